# Jobs, results and the two fan-ins. Native mode: its queries and counts are strongly consistent, which completion rests on.
resource "google_firestore_database" "this" {
  name        = var.database
  location_id = var.location
  type        = "FIRESTORE_NATIVE"

  # A task that lost a race waits for the lock instead of failing at commit.
  concurrency_mode                  = "PESSIMISTIC"
  app_engine_integration_mode       = "DISABLED"
  point_in_time_recovery_enablement = "POINT_IN_TIME_RECOVERY_DISABLED"

  delete_protection_state = var.delete_protection ? "DELETE_PROTECTION_ENABLED" : "DELETE_PROTECTION_DISABLED"
  deletion_policy         = "DELETE"

  depends_on = [google_project_service.required]
}

locals {
  # infra/gcp/indexes.ts: the fields that no query asks for. An index entry for each would multiply a write's latency and price.
  # `jobs` is at the top, the other collections lie below each job.
  unindexed_fields = {
    failures = ["json"]
    jobs     = ["json", "model"]
    parts    = ["json"]
    results  = ["bytes", "details", "errors", "object", "runtime", "shard"]
    splits   = ["end", "start"]
  }

  # The same file: queries of more than one field. A job list by state, newest first; a split's results in shard order; the sum of rows before a split.
  composite_indexes = {
    jobs    = [{ field = "state", order = "ASCENDING" }, { field = "createTime", order = "DESCENDING" }]
    results = [{ field = "split", order = "ASCENDING" }, { field = "shard", order = "ASCENDING" }]
    splits  = [{ field = "split", order = "ASCENDING" }, { field = "rows", order = "ASCENDING" }]
  }
}

resource "google_firestore_field" "unindexed" {
  for_each = merge([for collection, fields in local.unindexed_fields : { for field in fields : "${collection}/${field}" => {
    collection = collection
    field      = field
  } }]...)

  database   = google_firestore_database.this.name
  collection = each.value.collection
  field      = each.value.field

  # Empty: no index at all.
  index_config {}
}

resource "google_firestore_field" "expire_at" {
  for_each = local.unindexed_fields

  database   = google_firestore_database.this.name
  collection = each.key
  field      = "expireAt"

  ttl_config {}

  # It grows with time: an index of it would be a hotspot at some hundred writes a second.
  index_config {}
}

resource "google_firestore_index" "composite" {
  for_each = local.composite_indexes

  database   = google_firestore_database.this.name
  collection = each.key

  dynamic "fields" {
    for_each = each.value
    content {
      field_path = fields.value.field
      order      = fields.value.order
    }
  }
}

# Roles are granted on projects, not on databases: the condition narrows it to ours. predict knows nothing of jobs.
resource "google_project_iam_member" "firestore_user" {
  for_each = toset([for name in keys(local.functions) : name if name != "predict"])

  project = var.project_id
  role    = "roles/datastore.user"
  member  = google_service_account.function[each.key].member

  condition {
    title       = "${var.name_prefix}-database-only"
    description = "The database of Fanfold"
    expression  = "resource.name == \"projects/${var.project_id}/databases/${var.database}\""
  }
}
