# An object's arrival in the input bucket reaches `upload` through Eventarc: Cloud Storage publishes, Eventarc pushes as this account.
resource "google_service_account" "eventarc" {
  account_id   = "${var.name_prefix}-eventarc"
  display_name = "Fanfold: delivers uploads"

  depends_on = [google_project_service.required]
}

resource "google_project_iam_member" "eventarc_receiver" {
  project = var.project_id
  role    = "roles/eventarc.eventReceiver"
  member  = google_service_account.eventarc.member
}

resource "google_cloud_run_v2_service_iam_member" "eventarc_invoker" {
  name     = google_cloudfunctions2_function.function["upload"].name
  location = var.location
  role     = "roles/run.invoker"
  member   = google_service_account.eventarc.member
}

resource "google_service_account_iam_member" "eventarc_tokens" {
  service_account_id = google_service_account.eventarc.name
  role               = "roles/iam.serviceAccountOpenIdTokenCreator"
  member             = local.pubsub_agent
}

# Google grants its agent this role when the API is switched on, but minutes later: without it the first apply fails.
resource "google_project_iam_member" "eventarc_agent" {
  project = var.project_id
  role    = "roles/eventarc.serviceAgent"
  member  = local.eventarc_agent

  depends_on = [google_project_service.required]
}

# On the project, because Eventarc makes the topic itself and only then is its name known.
resource "google_project_iam_member" "storage_publisher" {
  project = var.project_id
  role    = "roles/pubsub.publisher"
  member  = local.storage_agent
}
