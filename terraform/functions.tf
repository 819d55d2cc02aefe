locals {
  # The functions registered in functions/index.ts. `ingress`: where a request may come from; all of them require IAM as well.
  #
  # Pub/Sub, Cloud Scheduler and Eventarc count as internal where they run in the same project and call the run.app URL (Cloud Run, "Restrict
  # network ingress"): so only the jobs API and predict can be reached from outside. That is why pushes go to service_config.uri (run.app) and
  # never to url (cloudfunctions.net).
  #
  # One CPU at least: with less, Cloud Run serves one request at a time. No instance is kept warm: the pipeline scales to zero.
  function_defaults = {
    # Looks at one object, reads its template, resolves the model: waits for Cloud Storage most of the time, and loads no runtime.
    upload = {
      available_cpu    = 1
      available_memory = "1Gi"
      concurrency      = 4
      max_instances    = 10
      min_instances    = 0
      timeout_seconds  = 540 # Eventarc's limit
    }

    # Streams 64 MiB and looks for record ends: bound by reading, so two share a CPU; a shard is held at a time. A row group of Parquet is held packed (at
    # most 256 MiB) while a window of it is decoded: two of the largest at once were seen to take 1.7 GiB, and 25 s each. 1 GiB unpacked takes a minute.
    split = {
      available_cpu    = 1
      available_memory = "2Gi"
      concurrency      = 2
      max_instances    = 50
      min_instances    = 0
      timeout_seconds  = 540
    }

    # Bound by CPU, and one thread: two requests at once, so that one reads its shard and writes its result while the other computes. Both share
    # one session of a model of some hundred MB, and hold a batch each (at most 256 MiB of tensors): 2 GiB. A SavedModel stands in memory twice, as its
    # files' weights and as the runtime's: a quarter of the memory is what models may keep together (infra/gcp/scorer.ts); the one in use may be larger.
    # 200 instances are 400 shards in flight: some hundred writes per second, below the 500 that a new Firestore collection takes at once.
    score = {
      available_cpu    = 1
      available_memory = "2Gi"
      concurrency      = 2
      max_instances    = 200
      min_instances    = 0
      timeout_seconds  = 540
    }

    # Streams results into a part: waits for Firestore and Cloud Storage most of the time. Parquet holds a row group while it is encoded, some 80 MiB.
    finalize = {
      available_cpu    = 1
      available_memory = "1Gi"
      concurrency      = 4
      max_instances    = 20
      min_instances    = 0
      timeout_seconds  = 540
    }

    # Reads a shard again for its keys. Few, so that a poisoned input cannot take what healthy jobs need.
    dead-letter = {
      available_cpu    = 1
      available_memory = "1Gi"
      concurrency      = 4
      max_instances    = 5
      min_instances    = 0
      timeout_seconds  = 540
    }

    # One at a time: two do no harm, but no good either.
    sweep = {
      available_cpu    = 1
      available_memory = "512Mi"
      concurrency      = 1
      max_instances    = 1
      min_instances    = 0
      timeout_seconds  = 900
    }

    # Answers people: short requests, many per instance. One that names a BigQuery query waits for its result, 8 minutes at most.
    jobs = {
      available_cpu    = 1
      available_memory = "1Gi"
      concurrency      = 16
      max_instances    = 5
      min_instances    = 0
      timeout_seconds  = 600
    }

    # Answers programs. Bound by CPU, and one thread: many requests at once, because those that wait are joined to one batch; the code bounds what
    # waits (predict.max_queue). More memory than score: several models at a time, and pictures come inside of bodies, of 32 MiB at most each
    # (predict.max_body_bytes). 4 GiB is the most that one CPU may have.
    predict = {
      available_cpu    = 1
      available_memory = "4Gi"
      concurrency      = 64
      max_instances    = 20
      min_instances    = 0
      timeout_seconds  = 300
    }
  }

  functions = {
    for name, defaults in local.function_defaults : name => merge(
      defaults,
      { for setting, value in try(var.functions[name], {}) : setting => value if value != null },
      {
        ingress = lookup({ jobs = var.jobs_ingress, predict = var.predict_ingress }, name, "ALLOW_INTERNAL_ONLY")
        trigger = name == "upload" ? ["google.cloud.storage.object.v1.finalized"] : []
      },
    )
  }

  uris = { for name, function in google_cloudfunctions2_function.function : name => function.service_config[0].uri }
}

# One per function, so that each can do what its handler does and nothing else. What they may do stands with what they may do it to.
resource "google_service_account" "function" {
  for_each = local.function_defaults

  account_id   = "${var.name_prefix}-${each.key}"
  display_name = "Fanfold: runs ${each.key}"

  depends_on = [google_project_service.required]
}

resource "google_cloudfunctions2_function" "function" {
  for_each = local.functions

  name        = "${var.name_prefix}-${each.key}"
  location    = var.location
  description = "Fanfold: ${each.key}"

  build_config {
    runtime           = "nodejs24"
    entry_point       = each.key
    service_account   = google_service_account.build.id
    docker_repository = google_artifact_registry_repository.functions.id

    environment_variables = {
      # Its install script would fetch GPU libraries that a function cannot use.
      ONNXRUNTIME_NODE_INSTALL = "skip"
    }

    source {
      storage_source {
        bucket = google_storage_bucket.source.name
        object = google_storage_bucket_object.source.name
      }
    }
  }

  service_config {
    available_cpu                    = tostring(each.value.available_cpu)
    available_memory                 = each.value.available_memory
    ingress_settings                 = each.value.ingress
    max_instance_count               = each.value.max_instances
    max_instance_request_concurrency = each.value.concurrency
    min_instance_count               = each.value.min_instances
    service_account_email            = google_service_account.function[each.key].email
    timeout_seconds                  = each.value.timeout_seconds

    environment_variables = {
      FANFOLD_DATABASE       = google_firestore_database.this.name
      FANFOLD_INPUT_BUCKET   = google_storage_bucket.input.name
      FANFOLD_LOCATION       = var.location
      FANFOLD_LOG_LEVEL      = var.log_level
      FANFOLD_MODELS_BUCKET  = google_storage_bucket.models.name
      FANFOLD_OUTPUT_BUCKET  = google_storage_bucket.output.name
      FANFOLD_QUERY_DATASET  = length(var.bigquery.datasets) > 0 ? local.query_dataset : ""
      FANFOLD_SOURCE_BUCKETS = join(",", sort(var.source_buckets))
      FANFOLD_TOPIC_PREFIX   = local.topic_prefix

      FANFOLD_PREDICT_BATCH_DELAY_MS = tostring(var.predict.batch_delay_ms)
      FANFOLD_PREDICT_MAX_BATCH_ROWS = tostring(var.predict.max_batch_rows)
      FANFOLD_PREDICT_MAX_BODY_BYTES = tostring(var.predict.max_body_bytes)
      FANFOLD_PREDICT_MAX_INSTANCES  = tostring(var.predict.max_request_instances)
      FANFOLD_PREDICT_MAX_QUEUE      = tostring(var.predict.max_queue)
      FANFOLD_PREDICT_WARM_UP        = join(",", sort(var.predict.warm_up))

      # App Engine and first generation functions are told their project; Cloud Run is not.
      GOOGLE_CLOUD_PROJECT = var.project_id
    }
  }

  dynamic "event_trigger" {
    for_each = each.value.trigger
    content {
      event_type            = event_trigger.value
      trigger_region        = var.location
      retry_policy          = "RETRY_POLICY_RETRY"
      service_account_email = google_service_account.eventarc.email
      event_filters {
        attribute = "bucket"
        value     = google_storage_bucket.input.name
      }
    }
  }

  lifecycle {
    precondition {
      condition     = each.value.min_instances <= each.value.max_instances
      error_message = "${each.key}: min_instances (${each.value.min_instances}) is above max_instances (${each.value.max_instances})."
    }
  }

  # A build that starts before its account may write, or a trigger before Cloud Storage may publish, fails.
  depends_on = [
    google_artifact_registry_repository_iam_member.build_writer,
    google_project_iam_member.build_logs,
    google_project_iam_member.build_source,
    google_project_iam_member.eventarc_agent,
    google_project_iam_member.eventarc_receiver,
    google_project_iam_member.storage_publisher,
    google_storage_bucket_iam_member.source_viewer,
  ]
}

# The callers of the jobs API and of predict. Those of the other functions stand with their triggers: subscriptions.tf, eventarc.tf, scheduler.tf.
resource "google_cloud_run_v2_service_iam_member" "jobs_invoker" {
  for_each = var.invokers

  name     = google_cloudfunctions2_function.function["jobs"].name
  location = var.location
  role     = "roles/run.invoker"
  member   = each.value
}

resource "google_cloud_run_v2_service_iam_member" "predict_invoker" {
  for_each = var.predict_invokers

  name     = google_cloudfunctions2_function.function["predict"].name
  location = var.location
  role     = "roles/run.invoker"
  member   = each.value
}
