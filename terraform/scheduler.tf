resource "google_cloud_scheduler_job" "sweep" {
  name        = "${var.name_prefix}-sweep"
  region      = var.location
  description = "Finds jobs that stopped moving and publishes what is missing"
  schedule    = var.sweep_schedule
  time_zone   = "Etc/UTC"

  # As long as the sweep itself may take.
  attempt_deadline = "${local.functions["sweep"].timeout_seconds}s"

  # The next run is the retry.
  retry_config {
    retry_count = 0
  }

  http_target {
    uri         = local.uris["sweep"]
    http_method = "POST"
    oidc_token {
      service_account_email = google_service_account.scheduler.email
      audience              = local.uris["sweep"]
    }
  }

  depends_on = [google_project_service.required]
}

resource "google_service_account" "scheduler" {
  account_id   = "${var.name_prefix}-scheduler"
  display_name = "Fanfold: calls the sweep"

  depends_on = [google_project_service.required]
}

resource "google_cloud_run_v2_service_iam_member" "scheduler_invoker" {
  name     = google_cloudfunctions2_function.function["sweep"].name
  location = var.location
  role     = "roles/run.invoker"
  member   = google_service_account.scheduler.member
}
