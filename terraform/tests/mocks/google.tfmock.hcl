# What Google Cloud would answer, so that a test sees who is bound to what. A run that plans knows it as well as one that applies.

mock_data "google_project" {
  override_during = plan
  defaults = {
    number = "123456789012"
  }
}

mock_data "google_storage_project_service_account" {
  override_during = plan
  defaults = {
    email_address = "service-123456789012@gs-project-accounts.iam.gserviceaccount.com"
  }
}

override_resource {
  target          = google_service_account.build
  override_during = plan
  values = {
    email  = "fanfold-build@demo-project.iam.gserviceaccount.com"
    id     = "projects/demo-project/serviceAccounts/fanfold-build@demo-project.iam.gserviceaccount.com"
    member = "serviceAccount:fanfold-build@demo-project.iam.gserviceaccount.com"
    name   = "projects/demo-project/serviceAccounts/fanfold-build@demo-project.iam.gserviceaccount.com"
  }
}

override_resource {
  target          = google_service_account.eventarc
  override_during = plan
  values = {
    email  = "fanfold-eventarc@demo-project.iam.gserviceaccount.com"
    id     = "projects/demo-project/serviceAccounts/fanfold-eventarc@demo-project.iam.gserviceaccount.com"
    member = "serviceAccount:fanfold-eventarc@demo-project.iam.gserviceaccount.com"
    name   = "projects/demo-project/serviceAccounts/fanfold-eventarc@demo-project.iam.gserviceaccount.com"
  }
}

override_resource {
  target          = google_service_account.push
  override_during = plan
  values = {
    email  = "fanfold-push@demo-project.iam.gserviceaccount.com"
    id     = "projects/demo-project/serviceAccounts/fanfold-push@demo-project.iam.gserviceaccount.com"
    member = "serviceAccount:fanfold-push@demo-project.iam.gserviceaccount.com"
    name   = "projects/demo-project/serviceAccounts/fanfold-push@demo-project.iam.gserviceaccount.com"
  }
}

override_resource {
  target          = google_service_account.scheduler
  override_during = plan
  values = {
    email  = "fanfold-scheduler@demo-project.iam.gserviceaccount.com"
    id     = "projects/demo-project/serviceAccounts/fanfold-scheduler@demo-project.iam.gserviceaccount.com"
    member = "serviceAccount:fanfold-scheduler@demo-project.iam.gserviceaccount.com"
    name   = "projects/demo-project/serviceAccounts/fanfold-scheduler@demo-project.iam.gserviceaccount.com"
  }
}

override_resource {
  target          = google_service_account.function["dead-letter"]
  override_during = plan
  values = {
    email  = "fanfold-dead-letter@demo-project.iam.gserviceaccount.com"
    id     = "projects/demo-project/serviceAccounts/fanfold-dead-letter@demo-project.iam.gserviceaccount.com"
    member = "serviceAccount:fanfold-dead-letter@demo-project.iam.gserviceaccount.com"
    name   = "projects/demo-project/serviceAccounts/fanfold-dead-letter@demo-project.iam.gserviceaccount.com"
  }
}

override_resource {
  target          = google_cloudfunctions2_function.function["dead-letter"]
  override_during = plan
  values = {
    service_config = { uri = "https://fanfold-dead-letter.run.app" }
    url            = "https://us-central1-demo-project.cloudfunctions.net/fanfold-dead-letter"
  }
}

override_resource {
  target          = google_service_account.function["finalize"]
  override_during = plan
  values = {
    email  = "fanfold-finalize@demo-project.iam.gserviceaccount.com"
    id     = "projects/demo-project/serviceAccounts/fanfold-finalize@demo-project.iam.gserviceaccount.com"
    member = "serviceAccount:fanfold-finalize@demo-project.iam.gserviceaccount.com"
    name   = "projects/demo-project/serviceAccounts/fanfold-finalize@demo-project.iam.gserviceaccount.com"
  }
}

override_resource {
  target          = google_cloudfunctions2_function.function["finalize"]
  override_during = plan
  values = {
    service_config = { uri = "https://fanfold-finalize.run.app" }
    url            = "https://us-central1-demo-project.cloudfunctions.net/fanfold-finalize"
  }
}

override_resource {
  target          = google_service_account.function["jobs"]
  override_during = plan
  values = {
    email  = "fanfold-jobs@demo-project.iam.gserviceaccount.com"
    id     = "projects/demo-project/serviceAccounts/fanfold-jobs@demo-project.iam.gserviceaccount.com"
    member = "serviceAccount:fanfold-jobs@demo-project.iam.gserviceaccount.com"
    name   = "projects/demo-project/serviceAccounts/fanfold-jobs@demo-project.iam.gserviceaccount.com"
  }
}

override_resource {
  target          = google_cloudfunctions2_function.function["jobs"]
  override_during = plan
  values = {
    service_config = { uri = "https://fanfold-jobs.run.app" }
    url            = "https://us-central1-demo-project.cloudfunctions.net/fanfold-jobs"
  }
}

override_resource {
  target          = google_service_account.function["predict"]
  override_during = plan
  values = {
    email  = "fanfold-predict@demo-project.iam.gserviceaccount.com"
    id     = "projects/demo-project/serviceAccounts/fanfold-predict@demo-project.iam.gserviceaccount.com"
    member = "serviceAccount:fanfold-predict@demo-project.iam.gserviceaccount.com"
    name   = "projects/demo-project/serviceAccounts/fanfold-predict@demo-project.iam.gserviceaccount.com"
  }
}

override_resource {
  target          = google_cloudfunctions2_function.function["predict"]
  override_during = plan
  values = {
    service_config = { uri = "https://fanfold-predict.run.app" }
    url            = "https://us-central1-demo-project.cloudfunctions.net/fanfold-predict"
  }
}

override_resource {
  target          = google_service_account.function["score"]
  override_during = plan
  values = {
    email  = "fanfold-score@demo-project.iam.gserviceaccount.com"
    id     = "projects/demo-project/serviceAccounts/fanfold-score@demo-project.iam.gserviceaccount.com"
    member = "serviceAccount:fanfold-score@demo-project.iam.gserviceaccount.com"
    name   = "projects/demo-project/serviceAccounts/fanfold-score@demo-project.iam.gserviceaccount.com"
  }
}

override_resource {
  target          = google_cloudfunctions2_function.function["score"]
  override_during = plan
  values = {
    service_config = { uri = "https://fanfold-score.run.app" }
    url            = "https://us-central1-demo-project.cloudfunctions.net/fanfold-score"
  }
}

override_resource {
  target          = google_service_account.function["split"]
  override_during = plan
  values = {
    email  = "fanfold-split@demo-project.iam.gserviceaccount.com"
    id     = "projects/demo-project/serviceAccounts/fanfold-split@demo-project.iam.gserviceaccount.com"
    member = "serviceAccount:fanfold-split@demo-project.iam.gserviceaccount.com"
    name   = "projects/demo-project/serviceAccounts/fanfold-split@demo-project.iam.gserviceaccount.com"
  }
}

override_resource {
  target          = google_cloudfunctions2_function.function["split"]
  override_during = plan
  values = {
    service_config = { uri = "https://fanfold-split.run.app" }
    url            = "https://us-central1-demo-project.cloudfunctions.net/fanfold-split"
  }
}

override_resource {
  target          = google_service_account.function["sweep"]
  override_during = plan
  values = {
    email  = "fanfold-sweep@demo-project.iam.gserviceaccount.com"
    id     = "projects/demo-project/serviceAccounts/fanfold-sweep@demo-project.iam.gserviceaccount.com"
    member = "serviceAccount:fanfold-sweep@demo-project.iam.gserviceaccount.com"
    name   = "projects/demo-project/serviceAccounts/fanfold-sweep@demo-project.iam.gserviceaccount.com"
  }
}

override_resource {
  target          = google_cloudfunctions2_function.function["sweep"]
  override_during = plan
  values = {
    service_config = { uri = "https://fanfold-sweep.run.app" }
    url            = "https://us-central1-demo-project.cloudfunctions.net/fanfold-sweep"
  }
}

override_resource {
  target          = google_service_account.function["upload"]
  override_during = plan
  values = {
    email  = "fanfold-upload@demo-project.iam.gserviceaccount.com"
    id     = "projects/demo-project/serviceAccounts/fanfold-upload@demo-project.iam.gserviceaccount.com"
    member = "serviceAccount:fanfold-upload@demo-project.iam.gserviceaccount.com"
    name   = "projects/demo-project/serviceAccounts/fanfold-upload@demo-project.iam.gserviceaccount.com"
  }
}

override_resource {
  target          = google_cloudfunctions2_function.function["upload"]
  override_during = plan
  values = {
    service_config = { uri = "https://fanfold-upload.run.app" }
    url            = "https://us-central1-demo-project.cloudfunctions.net/fanfold-upload"
  }
}

override_resource {
  target          = google_pubsub_topic.topic["splits"]
  override_during = plan
  values          = { id = "projects/demo-project/topics/fanfold-splits" }
}

override_resource {
  target          = google_pubsub_subscription.push["splits"]
  override_during = plan
  values          = { id = "projects/demo-project/subscriptions/fanfold-splits" }
}

override_resource {
  target          = google_pubsub_topic.topic["shards"]
  override_during = plan
  values          = { id = "projects/demo-project/topics/fanfold-shards" }
}

override_resource {
  target          = google_pubsub_subscription.push["shards"]
  override_during = plan
  values          = { id = "projects/demo-project/subscriptions/fanfold-shards" }
}

override_resource {
  target          = google_pubsub_topic.topic["assembly"]
  override_during = plan
  values          = { id = "projects/demo-project/topics/fanfold-assembly" }
}

override_resource {
  target          = google_pubsub_subscription.push["assembly"]
  override_during = plan
  values          = { id = "projects/demo-project/subscriptions/fanfold-assembly" }
}

override_resource {
  target          = google_pubsub_topic.topic["dead-letters"]
  override_during = plan
  values          = { id = "projects/demo-project/topics/fanfold-dead-letters" }
}

override_resource {
  target          = google_pubsub_subscription.push["dead-letters"]
  override_during = plan
  values          = { id = "projects/demo-project/subscriptions/fanfold-dead-letters" }
}

override_resource {
  target          = google_storage_bucket.input
  override_during = plan
  values          = { url = "gs://demo-project-fanfold-input" }
}

override_resource {
  target          = google_storage_bucket.models
  override_during = plan
  values          = { url = "gs://demo-project-fanfold-models" }
}

override_resource {
  target          = google_storage_bucket.output
  override_during = plan
  values          = { url = "gs://demo-project-fanfold-output" }
}

override_resource {
  target          = google_project_iam_custom_role.output_lister
  override_during = plan
  values          = { id = "projects/demo-project/roles/fanfold_output_lister" }
}

override_resource {
  target          = google_project_iam_custom_role.scratch_cleaner
  override_during = plan
  values          = { id = "projects/demo-project/roles/fanfold_scratch_cleaner" }
}

override_resource {
  target          = google_artifact_registry_repository.functions
  override_during = plan
  values = {
    id   = "projects/demo-project/locations/us-central1/repositories/fanfold-functions"
    name = "fanfold-functions"
  }
}

override_resource {
  target          = google_monitoring_dashboard.this
  override_during = plan
  values          = { id = "projects/123456789012/dashboards/1234" }
}
