mock_provider "google" {
  source = "./tests/mocks"
}

variables {
  project_id     = "demo-project"
  source_archive = "tests/functions.zip"
}

# Nothing but what is required is set: what a first `terraform apply` makes. test/terraform/plan.test.ts and drift.test.ts look at this plan too.
run "defaults" {
  command = plan

  assert {
    condition     = alltrue([for function in google_cloudfunctions2_function.function : function.service_config[0].min_instance_count == 0])
    error_message = "A function keeps instances while nothing runs."
  }

  assert {
    condition     = length(google_cloud_run_v2_service_iam_member.jobs_invoker) == 0 && length(google_cloud_run_v2_service_iam_member.predict_invoker) == 0
    error_message = "Somebody may call the jobs API or predict without having been named."
  }

  assert {
    condition     = alltrue([for name, function in google_cloudfunctions2_function.function : contains(["jobs", "predict"], name) || function.service_config[0].ingress_settings == "ALLOW_INTERNAL_ONLY"])
    error_message = "A function other than the jobs API and predict can be reached from outside."
  }

  assert {
    condition     = google_firestore_database.this.delete_protection_state == "DELETE_PROTECTION_ENABLED"
    error_message = "The database can be deleted by accident."
  }

  assert {
    condition     = output.jobs_url == "https://fanfold-jobs.run.app/v1/projects/demo-project/locations/us-central1/batchPredictionJobs"
    error_message = "jobs_url is not the jobs API's address."
  }

  assert {
    condition     = output.predict_url == "https://fanfold-predict.run.app"
    error_message = "predict_url is not predict's address."
  }

  assert {
    condition     = !contains(keys(google_project_iam_member.firestore_user), "predict")
    error_message = "predict may read jobs."
  }

  assert {
    condition     = strcontains(output.next_steps, "gs://demo-project-fanfold-models/") && strcontains(output.next_steps, "gs://demo-project-fanfold-input/")
    error_message = "next_steps does not say where models and files go."
  }

  assert {
    condition     = length(google_bigquery_dataset.queries) + length(google_bigquery_dataset_iam_member.source_viewer) + length(google_bigquery_dataset_iam_member.queries) + length(google_project_iam_member.bigquery_job_user) + length(google_project_service.bigquery) == 0
    error_message = "Something of BigQuery is made although no dataset is named."
  }

  assert {
    condition     = output.capacity["score"] == 400
    error_message = "capacity of score is not max_instances × concurrency."
  }
}
