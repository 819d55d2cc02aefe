# The functions log JSON (infra/gcp/logger.ts). When a job has its output, finalize logs `job`, `rows` and `failed`; the sweep says what it resumes; score
# logs each shard with what was measured (shared/metrics.ts, the names of Beam's RunInference).
locals {
  services = "${var.name_prefix}-(${join("|", keys(local.function_defaults))})"

  # What is taken of each: a counter itself; of a distribution the shard's sum, so that sums are exact; and the calls to the model, to divide by.
  inference_fields = {
    failed_batches_counter             = ["failed_batches_counter", "Calls to the model that failed"]
    inference_batch_latency_micro_secs = ["inference_batch_latency_micro_secs.sum", "Microseconds that calls to the model took"]
    inference_request_batch_byte_size  = ["inference_request_batch_byte_size.sum", "Bytes of the tensors given to the model"]
    inference_request_batch_size       = ["inference_request_batch_size.sum", "Rows in calls to the model"]
    inference_request_batch_size_count = ["inference_request_batch_size.count", "Calls to the model"]
    load_model_latency_milli_secs      = ["load_model_latency_milli_secs.sum", "Milliseconds that loading models took"]
    model_byte_size                    = ["model_byte_size.sum", "Bytes of models that were loaded"]
    num_inferences                     = ["num_inferences", "Rows given to the model"]
  }

  log_metrics = merge({
    rows = {
      description = "Rows of a job that has its output"
      functions   = ["finalize"]
      filter      = "jsonPayload.job:* AND jsonPayload.rows:*"
      labels      = []
      value       = "EXTRACT(jsonPayload.rows)"
    }
    failed_rows = {
      description = "Its rows that are errors"
      functions   = ["finalize"]
      filter      = "jsonPayload.job:* AND jsonPayload.failed:*"
      labels      = []
      value       = "EXTRACT(jsonPayload.failed)"
    }
    resumed_jobs = {
      description = "Jobs that stood still, and whose missing tasks the sweep published again"
      functions   = ["sweep"]
      filter      = "jsonPayload.job:* AND jsonPayload.message=\"publishing what is missing\""
      labels      = []
      value       = null
    }
    }, {
    for name, field in local.inference_fields : name => {
      description = "${field[1]}, by model version"
      functions   = ["score"]
      filter      = "jsonPayload.message=\"shard scored\""
      labels      = ["model", "version"]
      value       = "EXTRACT(jsonPayload.${field[0]})"
    }
  })
}

resource "google_logging_metric" "log" {
  for_each = local.log_metrics

  name        = "${replace(var.name_prefix, "-", "_")}_${each.key}"
  description = each.value.description
  filter = join(" AND ", [
    "resource.type=\"cloud_run_revision\"",
    "resource.labels.service_name=(${join(" OR ", [for name in each.value.functions : "\"${var.name_prefix}-${name}\""])})",
    each.value.filter,
  ])
  value_extractor  = each.value.value
  label_extractors = length(each.value.labels) == 0 ? null : { for label in each.value.labels : label => "EXTRACT(jsonPayload.${label})" }

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = each.value.value == null ? "INT64" : "DISTRIBUTION"
    unit        = "1"

    dynamic "labels" {
      for_each = each.value.labels
      content {
        key        = labels.value
        value_type = "STRING"
      }
    }
  }

  # 1, 2, 4, … 2^40 rows. Sums are exact whatever the buckets.
  dynamic "bucket_options" {
    for_each = each.value.value == null ? [] : [40]
    content {
      exponential_buckets {
        num_finite_buckets = bucket_options.value
        growth_factor      = 2
        scale              = 1
      }
    }
  }

  depends_on = [google_project_service.required]
}

# What the dashboard shows and the alerts watch, in PromQL. Rows are counted when their job ends: what is set against them looks back as far, so that
# jobs of minutes and of hours read alike.
locals {
  job_window     = "6h"
  request_window = "1h"

  log_series   = { for name, metric in google_logging_metric.log : name => "logging_googleapis_com:user_${metric.name}" }
  run_selector = "monitored_resource=\"cloud_run_revision\""
  task_selector = join(",", [
    "monitored_resource=\"pubsub_subscription\"",
    "subscription_id=~\"${replace(local.topic_prefix, ".", "\\\\.")}(${join("|", keys(local.task_topics))})\"",
  ])

  # Dollars per second of one instance.
  instance_prices = {
    for name, function in local.functions : name => (
      function.available_cpu * var.compute_prices.vcpu_second +
      tonumber(regex("^[0-9]+", function.available_memory)) / (endswith(function.available_memory, "Mi") ? 1024 : 1) * var.compute_prices.gib_second
    )
  }

  # A function that had nothing to do has no series: 0, not nothing.
  compute_cost = join(" + ", [
    for name, price in local.instance_prices :
    "(sum(increase(run_googleapis_com:container_billable_instance_time{${local.run_selector},service_name=\"${var.name_prefix}-${name}\"}[${local.job_window}])) or vector(0)) * ${format("%.9f", price)}"
    if name != "predict" # scores no job's rows
  ])

  rows         = "sum(increase(${local.log_series["rows"]}_sum{${local.run_selector}}[${local.job_window}]))"
  failed_rows  = "sum(increase(${local.log_series["failed_rows"]}_sum{${local.run_selector}}[${local.job_window}]))"
  resumed_jobs = "sum(increase(${local.log_series["resumed_jobs"]}{${local.run_selector}}[${local.request_window}]))"

  requests        = "sum(increase(run_googleapis_com:request_count{${local.run_selector},service_name=~\"${local.services}\"}[${local.request_window}]))"
  failed_requests = "sum(increase(run_googleapis_com:request_count{${local.run_selector},service_name=~\"${local.services}\",response_code_class=\"5xx\"}[${local.request_window}]))"

  cost_per_million_rows = "1000000 * (${local.compute_cost}) / ${local.rows}"
  dead_letters          = "sum(increase(pubsub_googleapis_com:subscription_dead_letter_message_count{${local.task_selector}}[${local.request_window}]))"
  failed_requests_ratio = "${local.failed_requests} / ${local.requests}"
  failed_rows_ratio     = "${local.failed_rows} / ${local.rows}"
  oldest_task_seconds   = "max(pubsub_googleapis_com:subscription_oldest_unacked_message_age{${local.task_selector}})"
}
