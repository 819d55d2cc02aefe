locals {
  charts = [
    { title = "Rows of ended jobs, last ${local.job_window}", unit = "rows", series = {
      "all"    = local.rows
      "failed" = local.failed_rows
    } },
    { title = "Tasks waiting", unit = "tasks", series = {
      "" = "sum by (subscription_id) (pubsub_googleapis_com:subscription_num_undelivered_messages{${local.task_selector}})"
    } },
    { title = "Oldest task", unit = "s", series = {
      "" = "max by (subscription_id) (pubsub_googleapis_com:subscription_oldest_unacked_message_age{${local.task_selector}})"
    } },
    { title = "Instances", unit = "instances", series = {
      "" = "sum by (service_name) (run_googleapis_com:container_instance_count{${local.run_selector},service_name=~\"${local.services}\"})"
    } },
    { title = "Seconds per task, 95th percentile", unit = "s", series = {
      "" = "histogram_quantile(0.95, sum by (le, service_name) (rate(run_googleapis_com:request_latencies_bucket{${local.run_selector},service_name=~\"${local.services}\"}[5m]))) / 1000"
    } },
    { title = "Memory in use, 99th percentile", unit = "share", series = {
      "" = "histogram_quantile(0.99, sum by (le, service_name) (rate(run_googleapis_com:container_memory_utilizations_bucket{${local.run_selector},service_name=~\"${local.services}\"}[5m])))"
    } },
    { title = "Compute cost per million rows", unit = "$", series = {
      "last ${local.job_window}" = local.cost_per_million_rows
    } },
    { title = "What went wrong, last ${local.request_window}", unit = "count", series = {
      "dead letters"    = local.dead_letters
      "failed requests" = local.failed_requests
      "resumed jobs"    = local.resumed_jobs
    } },
  ]
}

resource "google_monitoring_dashboard" "this" {
  dashboard_json = jsonencode({
    displayName = "Fanfold (${var.name_prefix})"
    mosaicLayout = {
      columns = 48
      tiles = [for index, chart in local.charts : {
        xPos   = index % 2 * 24
        yPos   = floor(index / 2) * 12
        width  = 24
        height = 12
        widget = {
          title = chart.title
          xyChart = {
            yAxis = { label = chart.unit, scale = "LINEAR" }
            dataSets = [for legend, query in chart.series : merge(
              { plotType = "LINE", timeSeriesQuery = { prometheusQuery = query } },
              legend == "" ? {} : { legendTemplate = legend },
            )]
          }
        }
      }]
    }
  })

  depends_on = [google_project_service.required]
}
