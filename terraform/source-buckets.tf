# Buckets that exist elsewhere and that jobs submitted over HTTP may read.
resource "google_storage_bucket_iam_member" "source_bucket_viewer" {
  for_each = {
    for pair in setproduct(var.source_buckets, ["dead-letter", "jobs", "score", "split"]) :
    "${pair[0]}/${pair[1]}" => { bucket = pair[0], function = pair[1] }
  }

  bucket = each.value.bucket
  role   = "roles/storage.objectViewer"
  member = google_service_account.function[each.value.function].member
}
