locals {
  bucket_prefix = coalesce(var.bucket_prefix, "${var.project_id}-${var.name_prefix}")
  topic_prefix  = coalesce(var.topic_prefix, "${var.name_prefix}-")

  # Everything that lives only while its job runs: shared/names.ts, scratchPrefix.
  scratch_prefix = "_fanfold/"

  scratch_condition = {
    title       = "scratch-only"
    description = "Objects under ${local.scratch_prefix}"
    expression  = "resource.name.startsWith(\"projects/_/buckets/${local.bucket_prefix}-output/objects/${local.scratch_prefix}\")"
  }
}
