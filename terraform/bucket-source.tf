# The archive that the functions are built from, named by its digest: a changed archive is a changed function.
resource "google_storage_bucket" "source" {
  name                        = "${local.bucket_prefix}-source"
  location                    = var.location
  force_destroy               = false
  public_access_prevention    = "enforced"
  uniform_bucket_level_access = true

  versioning {
    enabled = false
  }

  soft_delete_policy {
    retention_duration_seconds = 0
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

locals {
  source_archive = coalesce(var.source_archive, "${path.module}/../dist/functions.zip")
}

resource "google_storage_bucket_object" "source" {
  name   = "functions-${filemd5(local.source_archive)}.zip"
  bucket = google_storage_bucket.source.name
  source = local.source_archive

  lifecycle {
    # The new archive is there before the old one goes.
    create_before_destroy = true

    precondition {
      condition     = fileexists(local.source_archive)
      error_message = "There is no ${local.source_archive}: make the functions' archive first, or name it in source_archive."
    }
  }
}

resource "google_storage_bucket_iam_member" "source_viewer" {
  bucket = google_storage_bucket.source.name
  role   = "roles/storage.objectViewer"
  member = google_service_account.build.member
}
