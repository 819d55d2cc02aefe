# Where results appear, and scratch: Cloud Storage composes only within one bucket, so a job's parts lie beside its output.
resource "google_storage_bucket" "output" {
  name                        = "${local.bucket_prefix}-output"
  location                    = var.location
  force_destroy               = false
  public_access_prevention    = "enforced"
  uniform_bucket_level_access = true

  versioning {
    enabled = false
  }

  # Every job deletes as many bytes of scratch as it writes output: kept for a week, they would cost more than the output.
  soft_delete_policy {
    retention_duration_seconds = 0
  }

  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      age            = var.scratch_retention_days
      matches_prefix = [local.scratch_prefix]
    }
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

# Creates and never overwrites or deletes: objectCreator has no storage.objects.delete, which overwriting needs.
resource "google_storage_bucket_iam_member" "output_creator" {
  bucket = google_storage_bucket.output.name
  role   = "roles/storage.objectCreator"
  member = google_service_account.function["finalize"].member
}

resource "google_storage_bucket_iam_member" "output_viewer" {
  # finalize composes parts, and in a redrive reads lines of the first job's output; jobs looks whether that output is still there.
  for_each = toset(["finalize", "jobs"])

  bucket = google_storage_bucket.output.name
  role   = "roles/storage.objectViewer"
  member = google_service_account.function[each.value].member
}

resource "google_storage_bucket_iam_member" "scratch_creator" {
  # split stages what cannot be ranged; score and dead-letter write results too large for a document.
  for_each = toset(["dead-letter", "score", "split"])

  bucket = google_storage_bucket.output.name
  role   = "roles/storage.objectCreator"
  member = google_service_account.function[each.value].member

  condition {
    title       = local.scratch_condition.title
    description = local.scratch_condition.description
    expression  = local.scratch_condition.expression
  }
}

resource "google_storage_bucket_iam_member" "scratch_viewer" {
  # score and dead-letter read what split staged; whoever creates looks at what is there when somebody was faster.
  for_each = toset(["dead-letter", "score", "split"])

  bucket = google_storage_bucket.output.name
  role   = "roles/storage.objectViewer"
  member = google_service_account.function[each.value].member

  condition {
    title       = local.scratch_condition.title
    description = local.scratch_condition.description
    expression  = local.scratch_condition.expression
  }
}

# No predefined role deletes without also changing or creating.
resource "google_project_iam_custom_role" "scratch_cleaner" {
  role_id     = "${replace(var.name_prefix, "-", "_")}_scratch_cleaner"
  title       = "Fanfold scratch cleaner"
  description = "Deletes objects; bound to ${local.scratch_prefix} of the output bucket only."
  permissions = ["storage.objects.delete"]

  depends_on = [google_project_service.required]
}

resource "google_storage_bucket_iam_member" "scratch_cleaner" {
  # Whoever may end a job deletes what it left: a task that fails it, the commit, a cancellation, the sweep.
  for_each = toset(["dead-letter", "finalize", "jobs", "score", "split", "sweep"])

  bucket = google_storage_bucket.output.name
  role   = google_project_iam_custom_role.scratch_cleaner.id
  member = google_service_account.function[each.value].member

  condition {
    title       = local.scratch_condition.title
    description = local.scratch_condition.description
    expression  = local.scratch_condition.expression
  }
}

# Names only, of the whole bucket. To whoever may not list it, Cloud Storage answers 403 rather than 404 for an object that is not there: scratch
# that was deleted already would look like a missing right, and its deletion like a failure.
resource "google_project_iam_custom_role" "output_lister" {
  role_id     = "${replace(var.name_prefix, "-", "_")}_output_lister"
  title       = "Fanfold output lister"
  description = "Lists the objects of the output bucket, and reads none."
  permissions = ["storage.objects.list"]

  depends_on = [google_project_service.required]
}

resource "google_storage_bucket_iam_member" "output_lister" {
  # Those of scratch_cleaner that are not viewers of the whole bucket anyway.
  for_each = toset(["dead-letter", "score", "split", "sweep"])

  bucket = google_storage_bucket.output.name
  role   = google_project_iam_custom_role.output_lister.id
  member = google_service_account.function[each.value].member
}
