mock_provider "google" {
  source = "./tests/mocks"
}

variables {
  project_id     = "demo-project"
  source_archive = "tests/functions.zip"
}

run "hardening" {
  command = plan

  assert {
    condition = alltrue([for bucket in [google_storage_bucket.input, google_storage_bucket.models, google_storage_bucket.output, google_storage_bucket.source] :
      bucket.uniform_bucket_level_access && bucket.public_access_prevention == "enforced" && !bucket.force_destroy && !bucket.versioning[0].enabled
    ])
    error_message = "A bucket can be made public, or emptied by a destroy."
  }

  assert {
    condition = [for rule in google_storage_bucket.output.lifecycle_rule : one(rule.condition).matches_prefix if one(rule.action).type == "Delete"] == [tolist(["_fanfold/"])]

    error_message = "The output bucket deletes something else than scratch."
  }

  assert {
    condition     = google_storage_bucket.output.soft_delete_policy[0].retention_duration_seconds == 0
    error_message = "Deleted scratch is kept, and paid for."
  }

  assert {
    condition     = google_firestore_database.this.type == "FIRESTORE_NATIVE" && google_firestore_database.this.name == "fanfold"
    error_message = "The database is not Firestore in native mode."
  }

  assert {
    condition     = keys(google_firestore_field.expire_at) == ["failures", "jobs", "parts", "results", "splits"] && alltrue([for field in google_firestore_field.expire_at : field.field == "expireAt" && length(field.ttl_config) == 1])
    error_message = "A collection's documents do not expire."
  }

  assert {
    condition     = alltrue([for field in google_firestore_field.unindexed : length(field.index_config) == 1 && length(field.index_config[0].indexes) == 0])
    error_message = "A payload field is indexed."
  }

  # Score and split never touch an output; nobody but finalize creates one; nobody deletes one.
  assert {
    condition = alltrue([for binding in merge(
      { for name, binding in google_storage_bucket_iam_member.scratch_creator : "creator/${name}" => binding },
      { for name, binding in google_storage_bucket_iam_member.scratch_viewer : "viewer/${name}" => binding },
      { for name, binding in google_storage_bucket_iam_member.scratch_cleaner : "cleaner/${name}" => binding },
    ) : binding.condition[0].expression == "resource.name.startsWith(\"projects/_/buckets/demo-project-fanfold-output/objects/_fanfold/\")"])
    error_message = "A right to scratch reaches beyond _fanfold/."
  }

  assert {
    condition     = google_project_iam_custom_role.scratch_cleaner.permissions == toset(["storage.objects.delete"]) && google_project_iam_custom_role.output_lister.permissions == toset(["storage.objects.list"])
    error_message = "The scratch cleaner may do more than delete, or the lister more than list."
  }
}

run "granted_by_variables" {
  command = plan

  variables {
    invokers         = ["group:ml@example.com", "serviceAccount:ci@demo-project.iam.gserviceaccount.com"]
    predict          = { max_batch_rows = 64, warm_up = ["ratings@canary", "digits"] }
    predict_ingress  = "ALLOW_INTERNAL_AND_GCLB"
    predict_invokers = ["serviceAccount:web@demo-project.iam.gserviceaccount.com"]
    source_buckets   = ["warehouse", "lake"]
  }

  assert {
    condition     = alltrue([for binding in google_cloud_run_v2_service_iam_member.predict_invoker : binding.name == "fanfold-predict" && binding.role == "roles/run.invoker"]) && keys(google_cloud_run_v2_service_iam_member.predict_invoker) == ["serviceAccount:web@demo-project.iam.gserviceaccount.com"]
    error_message = "The predict_invokers may call something else than predict, or not all of them may."
  }

  assert {
    condition     = google_cloudfunctions2_function.function["predict"].service_config[0].ingress_settings == "ALLOW_INTERNAL_AND_GCLB" && google_cloudfunctions2_function.function["jobs"].service_config[0].ingress_settings == "ALLOW_ALL"
    error_message = "predict_ingress is not that of predict alone."
  }

  assert {
    condition     = google_cloudfunctions2_function.function["predict"].service_config[0].environment_variables["FANFOLD_PREDICT_WARM_UP"] == "digits,ratings@canary" && google_cloudfunctions2_function.function["predict"].service_config[0].environment_variables["FANFOLD_PREDICT_MAX_BATCH_ROWS"] == "64"
    error_message = "predict is not told what its variable says."
  }

  assert {
    condition     = alltrue([for member, binding in google_cloud_run_v2_service_iam_member.jobs_invoker : binding.name == "fanfold-jobs" && binding.role == "roles/run.invoker" && binding.member == member]) && keys(google_cloud_run_v2_service_iam_member.jobs_invoker) == ["group:ml@example.com", "serviceAccount:ci@demo-project.iam.gserviceaccount.com"]
    error_message = "The invokers may call something else than the jobs API, or not all of them may."
  }

  assert {
    condition     = toset(keys(google_storage_bucket_iam_member.source_bucket_viewer)) == toset([for pair in setproduct(["lake", "warehouse"], ["dead-letter", "jobs", "score", "split"]) : join("/", pair)])
    error_message = "A further input bucket is not readable for those who read inputs."
  }

  assert {
    condition     = google_cloudfunctions2_function.function["jobs"].service_config[0].environment_variables["FANFOLD_SOURCE_BUCKETS"] == "lake,warehouse"
    error_message = "The jobs API is not told of the further input buckets."
  }
}

run "bigquery_inputs" {
  command = plan

  variables {
    bigquery = { datasets = ["sales", "warehouse-1.crm"], location = "EU" }
  }

  assert {
    condition = { for key, binding in google_bigquery_dataset_iam_member.source_viewer : key => "${binding.project} ${binding.dataset_id} ${binding.role} ${binding.member}" } == {
      for pair in setproduct([["sales", "demo-project sales"], ["warehouse-1.crm", "warehouse-1 crm"]], ["jobs", "split"]) :
      "${pair[0][0]}/${pair[1]}" => "${pair[0][1]} roles/bigquery.dataViewer serviceAccount:fanfold-${pair[1]}@demo-project.iam.gserviceaccount.com"
    }
    error_message = "Others than jobs and split may read a dataset, or they more than read it."
  }

  assert {
    condition     = google_project_iam_member.bigquery_job_user[0].member == google_service_account.function["jobs"].member && google_project_iam_member.bigquery_job_user[0].role == "roles/bigquery.jobUser"
    error_message = "Somebody other than jobs may run queries, or it more than that."
  }

  assert {
    condition     = { for name, binding in google_bigquery_dataset_iam_member.queries : binding.member => binding.role } == { "serviceAccount:fanfold-jobs@demo-project.iam.gserviceaccount.com" = "roles/bigquery.dataEditor", "serviceAccount:fanfold-split@demo-project.iam.gserviceaccount.com" = "roles/bigquery.dataViewer" }
    error_message = "Results of queries are not written by jobs and read by split alone."
  }

  assert {
    condition     = google_bigquery_dataset.queries[0].location == "EU" && google_bigquery_dataset.queries[0].default_table_expiration_ms == 9 * 24 * 60 * 60 * 1000
    error_message = "Results of queries lie elsewhere than what is read, or are kept for ever."
  }

  assert {
    condition     = google_cloudfunctions2_function.function["jobs"].service_config[0].environment_variables["FANFOLD_QUERY_DATASET"] == google_bigquery_dataset.queries[0].dataset_id
    error_message = "jobs is not told where results of queries go."
  }
}

run "everybody_is_no_invoker" {
  command = plan

  variables {
    invokers = ["allUsers"]
  }

  expect_failures = [var.invokers]
}

run "every_account_is_no_invoker" {
  command = plan

  variables {
    invokers = ["user:ada@example.com", "allAuthenticatedUsers"]
  }

  expect_failures = [var.invokers]
}

run "an_archive_that_is_not_there" {
  command = plan

  variables {
    source_archive = "tests/nowhere.zip"
  }

  expect_failures = [google_storage_bucket_object.source]
}

run "more_instances_kept_than_allowed" {
  command = plan

  variables {
    functions = { sweep = { min_instances = 2 } }
  }

  expect_failures = [google_cloudfunctions2_function.function["sweep"]]
}
