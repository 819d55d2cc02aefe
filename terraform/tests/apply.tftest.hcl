# Everything is applied, so that each reference between resources resolves. What is known when planning may not be overridden here.
mock_provider "google" {
  mock_resource "google_cloudfunctions2_function" {
    defaults = {
      service_config = { uri = "https://function.run.app" }
    }
  }

  mock_data "google_project" {
    defaults = { number = "123456789012" }
  }
}

variables {
  project_id     = "demo-project"
  source_archive = "tests/functions.zip"
}

run "apply" {
  command = apply

  assert {
    condition     = google_storage_bucket_object.source.name == "functions-${filemd5("tests/functions.zip")}.zip"
    error_message = "The archive is not named by its digest: a changed archive would not change the functions."
  }

  assert {
    condition     = alltrue([for function in google_cloudfunctions2_function.function : function.build_config[0].source[0].storage_source[0].object == google_storage_bucket_object.source.name])
    error_message = "A function is not built from the archive."
  }

  assert {
    condition     = alltrue([for function in google_cloudfunctions2_function.function : function.build_config[0].service_account == google_service_account.build.id && function.build_config[0].docker_repository == google_artifact_registry_repository.functions.id])
    error_message = "A function is not built by our account into our repository."
  }

  assert {
    condition     = length(distinct([for function in google_cloudfunctions2_function.function : function.service_config[0].service_account_email])) == length(google_cloudfunctions2_function.function)
    error_message = "Two functions share a service account."
  }

  assert {
    condition     = output.jobs_url == "https://function.run.app/v1/projects/demo-project/locations/us-central1/batchPredictionJobs"
    error_message = "jobs_url is not the jobs API's address."
  }
}
