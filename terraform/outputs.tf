output "capacity" {
  description = "The most requests that each function serves at once: max_instances × concurrency. For score, the shards in flight."
  value       = { for name, function in local.functions : name => function.max_instances * function.concurrency }
}

output "dashboard_url" {
  description = "Where to watch."
  value       = "https://console.cloud.google.com/monitoring/dashboards/builder/${element(split("/", google_monitoring_dashboard.this.id), -1)}?project=${var.project_id}"
}

output "jobs_url" {
  description = "The jobs API. It answers the members of invokers only."
  value       = "${local.uris["jobs"]}/v1/projects/${var.project_id}/locations/${var.location}/batchPredictionJobs"
}

output "models_path" {
  description = "Where models go: one folder per model, in it one folder per numeric version."
  value       = "${google_storage_bucket.models.url}/<model>/<version>/"
}

output "next_steps" {
  description = "What to do now."
  value       = <<-TEXT
    1. Upload a model:   gcloud storage cp --recursive ./my-model/* ${google_storage_bucket.models.url}/my-model/1/
    2. Drop a file:      gcloud storage cp ./instances.jsonl ${google_storage_bucket.input.url}/my-model/instances.jsonl
    3. Get the output:   gcloud storage ls --recursive ${google_storage_bucket.output.url}/my-model/instances.jsonl/
    Or submit over HTTP: curl -H "Authorization: Bearer $(gcloud auth print-identity-token)" ${local.uris["jobs"]}/v1/projects/${var.project_id}/locations/${var.location}/batchPredictionJobs
  TEXT
}

output "output_path" {
  description = "Where predictions appear: under the input object's own path."
  value       = "${google_storage_bucket.output.url}/<model>/<file>/"
}

output "predict_url" {
  description = "Online prediction: TensorFlow Serving's REST API under /v1/models. It answers the members of predict_invokers only."
  value       = local.uris["predict"]
}

output "service_accounts" {
  description = "Each function's service account: to be granted read access where an input lies in a bucket of another project."
  value       = { for name, account in google_service_account.function : name => account.email }
}

output "upload_command" {
  description = "Starts a job: the folder names the model."
  value       = "gcloud storage cp FILE ${google_storage_bucket.input.url}/<model>/"
}
