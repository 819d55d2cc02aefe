# TF Serving's layout: <model>/<version>/. A version's folder never changes.
resource "google_storage_bucket" "models" {
  name                        = "${local.bucket_prefix}-models"
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

resource "google_storage_bucket_iam_member" "models_viewer" {
  # upload and jobs resolve a version and its signature; score and predict load it. It is all that predict may read.
  for_each = toset(["jobs", "predict", "score", "upload"])

  bucket = google_storage_bucket.models.name
  role   = "roles/storage.objectViewer"
  member = google_service_account.function[each.value].member
}
