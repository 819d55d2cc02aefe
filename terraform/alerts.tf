locals {
  # Costs and shares of a few rows say little: one slow start would ring.
  enough_rows     = "(${local.rows} > 100000)"
  enough_requests = "(${local.requests} > 100)"

  alerts = {
    cost = {
      title    = "compute costs more than ${var.alert_thresholds.cost_per_million_rows} dollars per million rows"
      query    = "(${local.cost_per_million_rows} > ${var.alert_thresholds.cost_per_million_rows}) and ${local.enough_rows}"
      severity = "WARNING"
      advice   = "A slow model, small batches (batchSize), or instances that load a model for few shards. The dashboard shows which function's instances run."
    }
    dead_letters = {
      title    = "tasks became dead letters"
      query    = "${local.dead_letters} > 0"
      severity = "ERROR"
      advice   = "Five attempts at a task failed. A shard's rows have become error rows, or a job has failed: its `error` and its rows' errors say why. `fanfold jobs redrive` scores the failed rows again."
    }
    failed_requests = {
      title    = "functions fail"
      query    = "(${local.failed_requests_ratio} > ${var.alert_thresholds.failed_requests_ratio}) and ${local.enough_requests}"
      severity = "WARNING"
      advice   = "Tasks are tried again, so nothing is lost yet. Look for entries of severity ERROR, memory limits exceeded and time-outs in the functions' logs."
    }
    failed_rows = {
      title    = "rows fail"
      query    = "(${local.failed_rows_ratio} > ${var.alert_thresholds.failed_rows_ratio}) and ${local.enough_rows}"
      severity = "WARNING"
      advice   = "The model or the instances do not fit each other. `prediction.errors_stats-00000-of-00001` in a job's output counts the distinct errors and names the first rows."
    }
    jobs_stuck = {
      title    = "jobs are stuck"
      query    = "${local.oldest_task_seconds} > ${var.alert_thresholds.oldest_task_minutes * 60} or ${local.resumed_jobs} > ${var.alert_thresholds.resumed_jobs_per_hour}"
      severity = "ERROR"
      advice   = "A task has waited too long, or the sweep keeps publishing what is missing. Look at the oldest task on the dashboard, at max_instances of the function behind it, and at the sweep's log for the job's name."
    }
  }
}

resource "google_monitoring_alert_policy" "alert" {
  for_each = local.alerts

  display_name          = "Fanfold (${var.name_prefix}): ${each.value.title}"
  combiner              = "OR"
  severity              = each.value.severity
  notification_channels = var.notification_channels

  conditions {
    display_name = each.value.title
    condition_prometheus_query_language {
      query               = each.value.query
      duration            = "300s"
      evaluation_interval = "60s"
      # Log-based metrics exist only once something was logged.
      disable_metric_validation = true
    }
  }

  alert_strategy {
    auto_close = "86400s"
  }

  documentation {
    content   = each.value.advice
    mime_type = "text/markdown"
  }

  depends_on = [google_project_service.required]
}
