# Where files are dropped: each one that follows the convention becomes a job.
resource "google_storage_bucket" "input" {
  name                        = "${local.bucket_prefix}-input"
  location                    = var.location
  force_destroy               = false
  public_access_prevention    = "enforced"
  uniform_bucket_level_access = true

  versioning {
    enabled = false
  }

  lifecycle_rule {
    action {
      type = "AbortIncompleteMultipartUpload"
    }
    condition {
      age = 1
    }
  }

  depends_on = [google_project_service.required]
}

resource "google_storage_bucket_iam_member" "input_viewer" {
  # upload and jobs look at files and read templates; split cuts, score decodes, dead-letter finds the keys of what could not be scored.
  for_each = toset(["dead-letter", "jobs", "score", "split", "upload"])

  bucket = google_storage_bucket.input.name
  role   = "roles/storage.objectViewer"
  member = google_service_account.function[each.value].member
}
