# BigQuery as an input of jobs: nothing of it is made, and nobody may ask it anything, unless datasets are named.
locals {
  # "sales" is a dataset of this project, "warehouse.sales" of another.
  bigquery_datasets = { for name in var.bigquery.datasets : name => {
    project = try(regex("^(.+)\\.", name)[0], var.project_id)
    dataset = reverse(split(".", name))[0]
  } }

  query_dataset = "${replace(var.name_prefix, "-", "_")}_queries"
}

resource "google_project_service" "bigquery" {
  count = length(var.bigquery.datasets) > 0 ? 1 : 0

  service            = "bigquery.googleapis.com"
  disable_on_destroy = false
}

# Results of queries. BigQuery's own place for them is open to nobody but the account that ran the query: jobs runs it, split reads the rows.
resource "google_bigquery_dataset" "queries" {
  count = length(var.bigquery.datasets) > 0 ? 1 : 0

  dataset_id  = local.query_dataset
  description = "Fanfold: results of queries that jobs take as their input"

  # BigQuery reads and writes within one location.
  location = coalesce(var.bigquery.location, var.location)

  # As scratch: a running job must find what it reads.
  default_table_expiration_ms = var.scratch_retention_days * 86400000
  delete_contents_on_destroy  = true

  depends_on = [google_project_service.bigquery]
}

resource "google_bigquery_dataset_iam_member" "source_viewer" {
  # jobs looks a table up, and runs queries; split reads rows.
  for_each = {
    for pair in setproduct(keys(local.bigquery_datasets), ["jobs", "split"]) :
    "${pair[0]}/${pair[1]}" => merge(local.bigquery_datasets[pair[0]], { function = pair[1] })
  }

  project    = each.value.project
  dataset_id = each.value.dataset
  role       = "roles/bigquery.dataViewer"
  member     = google_service_account.function[each.value.function].member
}

resource "google_bigquery_dataset_iam_member" "queries" {
  for_each = length(var.bigquery.datasets) > 0 ? { jobs = "roles/bigquery.dataEditor", split = "roles/bigquery.dataViewer" } : {}

  dataset_id = google_bigquery_dataset.queries[0].dataset_id
  role       = each.value
  member     = google_service_account.function[each.key].member
}

# To run queries; what they may read are the datasets above. No narrower place than the project has it, and it takes no condition.
resource "google_project_iam_member" "bigquery_job_user" {
  count = length(var.bigquery.datasets) > 0 ? 1 : 0

  project = var.project_id
  role    = "roles/bigquery.jobUser"
  member  = google_service_account.function["jobs"].member
}
