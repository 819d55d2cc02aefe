variable "alert_thresholds" {
  description = "When to alert: dollars of compute per million rows; shares of failed rows and of failed requests; minutes that the oldest task may wait; stranded jobs that the sweep may resume in an hour."
  type = object({
    cost_per_million_rows = optional(number, 5)
    failed_requests_ratio = optional(number, 0.05)
    failed_rows_ratio     = optional(number, 0.05)
    oldest_task_minutes   = optional(number, 60)
    resumed_jobs_per_hour = optional(number, 3)
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for threshold in values(var.alert_thresholds) : threshold > 0])
    error_message = "Every threshold of alert_thresholds must be above 0."
  }

  validation {
    condition     = var.alert_thresholds.failed_requests_ratio <= 1 && var.alert_thresholds.failed_rows_ratio <= 1
    error_message = "The ratios of alert_thresholds are shares: between 0 and 1."
  }
}

variable "bigquery" {
  description = "What of BigQuery jobs may take as their input: datasets, as \"dataset\" or \"project.dataset\", and the location of all of them, where queries run. Default: nothing, and the region. Who may submit jobs can have every table in them read."
  type = object({
    datasets = optional(set(string), [])
    location = optional(string)
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for dataset in var.bigquery.datasets : can(regex("^(([a-z][a-z0-9.-]*:)?[a-z][a-z0-9-]{4,28}[a-z0-9]\\.)?[A-Za-z0-9_]+$", dataset))])
    error_message = "datasets of bigquery must be \"dataset\" or \"project.dataset\", without bq:// and without a table."
  }

  validation {
    condition     = var.bigquery.location == null || can(regex("^(US|EU|[a-z]+-[a-z]+[0-9]+)$", var.bigquery.location))
    error_message = "location of bigquery must be where the datasets are: US, EU, or a region such as us-central1."
  }
}

variable "bucket_prefix" {
  description = "What the buckets' names start with; bucket names are global. Default: \"<project_id>-<name_prefix>\"."
  type        = string
  default     = null

  validation {
    condition     = var.bucket_prefix == null || can(regex("^[a-z0-9][a-z0-9_-]{1,48}[a-z0-9]$", var.bucket_prefix))
    error_message = "bucket_prefix must be 3–50 lowercase letters, digits, \"-\" or \"_\", beginning and ending with a letter or digit."
  }

  validation {
    condition     = var.bucket_prefix == null || !can(regex("^goog|google", var.bucket_prefix))
    error_message = "bucket_prefix must neither begin with \"goog\" nor contain \"google\": Cloud Storage refuses such names."
  }
}

variable "compute_prices" {
  description = "Dollars per second of one vCPU and of one GiB of memory: what the cost per million rows is computed with. Default: Cloud Run's request-based prices in a tier 1 region."
  type = object({
    gib_second  = optional(number, 0.0000025)
    vcpu_second = optional(number, 0.000024)
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for price in values(var.compute_prices) : price >= 0])
    error_message = "The prices of compute_prices must not be negative."
  }
}

variable "database" {
  description = "Name of the Firestore database that holds jobs and results; made here, and Fanfold's alone."
  type        = string
  default     = "fanfold"
  nullable    = false

  validation {
    condition     = can(regex("^(\\(default\\)|[a-z][a-z0-9-]{2,61}[a-z0-9])$", var.database))
    error_message = "database must be \"(default)\", or 4–63 lowercase letters, digits and \"-\", beginning with a letter and not ending with \"-\"."
  }
}

variable "delete_protection" {
  description = "Whether the Firestore database refuses to be deleted. Set it to false and apply before destroying."
  type        = bool
  default     = true
  nullable    = false
}

variable "functions" {
  description = "Settings of single functions that differ from the defaults in functions.tf, by the function's name; what is left out keeps its default."
  type = map(object({
    available_cpu    = optional(number)
    available_memory = optional(string)
    concurrency      = optional(number)
    max_instances    = optional(number)
    min_instances    = optional(number)
    timeout_seconds  = optional(number)
  }))
  default  = {}
  nullable = false

  validation {
    condition     = length(setsubtract(keys(var.functions), ["dead-letter", "finalize", "jobs", "predict", "score", "split", "sweep", "upload"])) == 0
    error_message = "functions has a name that is no function: they are dead-letter, finalize, jobs, predict, score, split, sweep and upload."
  }

  validation {
    condition     = alltrue([for function in var.functions : function.available_cpu == null ? true : contains([1, 2, 4, 8], function.available_cpu)])
    error_message = "available_cpu must be 1, 2, 4 or 8: a fraction of a CPU serves one request at a time and starts slowly."
  }

  validation {
    condition     = alltrue([for function in var.functions : function.available_memory == null ? true : can(regex("^[1-9][0-9]*(Mi|Gi)$", function.available_memory))])
    error_message = "available_memory must be a number with Mi or Gi, as in \"512Mi\" or \"4Gi\"."
  }

  validation {
    condition     = alltrue([for function in var.functions : function.concurrency == null ? true : function.concurrency >= 1 && function.concurrency <= 1000])
    error_message = "concurrency must be 1–1000 requests per instance."
  }

  validation {
    condition     = alltrue([for function in var.functions : function.max_instances == null ? true : function.max_instances >= 1 && function.max_instances <= 1000])
    error_message = "max_instances must be 1–1000."
  }

  validation {
    condition     = alltrue([for function in var.functions : function.min_instances == null ? true : function.min_instances >= 0])
    error_message = "min_instances must not be negative."
  }

  validation {
    condition     = alltrue([for name, function in var.functions : function.timeout_seconds == null ? true : function.timeout_seconds >= 1 && function.timeout_seconds <= (contains(["jobs", "predict", "sweep"], name) ? 1800 : 540)])
    error_message = "timeout_seconds must be 1–540: a push not answered within the ack deadline (600 s) is delivered again while the first attempt still runs. (1–1800 for jobs, predict and sweep.)"
  }
}

variable "invokers" {
  description = "Who may call the jobs API, as IAM members: \"user:ada@example.com\", \"group:…\", \"serviceAccount:…\", \"domain:…\", \"principal://…\", \"principalSet://…\". Default: nobody. Who may submit jobs can have any object read that the functions can read."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = length(setintersection([for member in var.invokers : lower(member)], ["allusers", "allauthenticatedusers"])) == 0
    error_message = "invokers must not contain allUsers or allAuthenticatedUsers: the jobs API is never public."
  }

  validation {
    condition     = alltrue([for member in var.invokers : can(regex("^((user|group|serviceAccount|domain):[^\\s:]+|principal(Set)?://\\S+)$", member)) || contains(["allusers", "allauthenticatedusers"], lower(member))])
    error_message = "invokers must be IAM members such as \"user:ada@example.com\" or \"serviceAccount:ci@my-project.iam.gserviceaccount.com\"."
  }
}

variable "jobs_ingress" {
  description = "From where the jobs API can be reached: ALLOW_ALL (IAM still refuses everyone but the invokers), ALLOW_INTERNAL_AND_GCLB (your networks and your load balancer) or ALLOW_INTERNAL_ONLY."
  type        = string
  default     = "ALLOW_ALL"
  nullable    = false

  validation {
    condition     = contains(["ALLOW_ALL", "ALLOW_INTERNAL_AND_GCLB", "ALLOW_INTERNAL_ONLY"], var.jobs_ingress)
    error_message = "jobs_ingress must be ALLOW_ALL, ALLOW_INTERNAL_AND_GCLB or ALLOW_INTERNAL_ONLY."
  }
}

variable "labels" {
  description = "Labels of every resource that can bear them."
  type        = map(string)
  default     = { app = "fanfold" }
  nullable    = false

  validation {
    condition     = alltrue([for key, value in var.labels : can(regex("^[a-z][a-z0-9_-]{0,62}$", key)) && can(regex("^[a-z0-9_-]{0,63}$", value))])
    error_message = "labels must be lowercase letters, digits, \"-\" and \"_\", at most 63; a key begins with a letter."
  }
}

variable "location" {
  description = "The region of everything: buckets, database, functions. One region, so that no byte is paid for on its way."
  type        = string
  default     = "us-central1"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.location))
    error_message = "location must be a region such as us-central1 or europe-west4, neither a zone nor a multi-region."
  }
}

variable "log_level" {
  description = "The least severe log entries that the functions write. Above INFO, the metrics of rows and their alerts see nothing."
  type        = string
  default     = "INFO"
  nullable    = false

  validation {
    condition     = contains(["DEBUG", "INFO", "WARNING", "ERROR"], var.log_level)
    error_message = "log_level must be DEBUG, INFO, WARNING or ERROR."
  }
}

variable "name_prefix" {
  description = "What the names of functions, service accounts and the rest start with, so that two installations fit in one project."
  type        = string
  default     = "fanfold"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,15}[a-z0-9]$", var.name_prefix))
    error_message = "name_prefix must be 2–17 lowercase letters, digits and \"-\", beginning with a letter and not ending with \"-\": a service account's id has at most 30 characters."
  }
}

variable "notification_channels" {
  description = "Who is told of an alert: notification channels as \"projects/<project>/notificationChannels/<id>\". Default: alerts show in the console only."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for channel in var.notification_channels : can(regex("^projects/[^/]+/notificationChannels/[^/]+$", channel))])
    error_message = "notification_channels must have the form projects/<project>/notificationChannels/<id>."
  }
}

variable "predict" {
  description = "Online prediction: models that an instance loads before it takes requests (\"digits\", \"digits@3\", \"digits@canary\"), and what one instance takes at once: bytes of a request (decompressed) and its instances, requests that wait, rows that concurrent requests are joined to, milliseconds that they wait for it behind another batch."
  type = object({
    batch_delay_ms        = optional(number, 2)
    max_batch_rows        = optional(number, 1024)
    max_body_bytes        = optional(number, 33554432)
    max_queue             = optional(number, 1000)
    max_request_instances = optional(number, 100000)
    warm_up               = optional(set(string), [])
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for limit in [var.predict.batch_delay_ms, var.predict.max_batch_rows, var.predict.max_body_bytes, var.predict.max_queue, var.predict.max_request_instances] : limit >= 1 && floor(limit) == limit])
    error_message = "The numbers of predict must be whole and at least 1."
  }

  validation {
    condition     = alltrue([for model in var.predict.warm_up : can(regex("^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}(@[A-Za-z0-9][A-Za-z0-9_.-]{0,62})?$", model))])
    error_message = "warm_up of predict must be models, as \"digits\", \"digits@3\" or \"digits@canary\"."
  }
}

variable "predict_ingress" {
  description = "From where predict can be reached: ALLOW_ALL (IAM still refuses everyone but the predict_invokers), ALLOW_INTERNAL_AND_GCLB (your networks and your load balancer) or ALLOW_INTERNAL_ONLY."
  type        = string
  default     = "ALLOW_ALL"
  nullable    = false

  validation {
    condition     = contains(["ALLOW_ALL", "ALLOW_INTERNAL_AND_GCLB", "ALLOW_INTERNAL_ONLY"], var.predict_ingress)
    error_message = "predict_ingress must be ALLOW_ALL, ALLOW_INTERNAL_AND_GCLB or ALLOW_INTERNAL_ONLY."
  }
}

variable "predict_invokers" {
  description = "Who may ask for online predictions, as IAM members, of every model there is. Default: nobody. They may not submit jobs: see invokers."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = length(setintersection([for member in var.predict_invokers : lower(member)], ["allusers", "allauthenticatedusers"])) == 0
    error_message = "predict_invokers must not contain allUsers or allAuthenticatedUsers: predict is never public."
  }

  validation {
    condition     = alltrue([for member in var.predict_invokers : can(regex("^((user|group|serviceAccount|domain):[^\\s:]+|principal(Set)?://\\S+)$", member)) || contains(["allusers", "allauthenticatedusers"], lower(member))])
    error_message = "predict_invokers must be IAM members such as \"user:ada@example.com\" or \"serviceAccount:ci@my-project.iam.gserviceaccount.com\"."
  }
}

variable "project_id" {
  description = "The Google Cloud project that everything is made in."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project_id))
    error_message = "project_id must be a project's id (6–30 lowercase letters, digits and \"-\"), neither its name nor its number."
  }
}

variable "scratch_retention_days" {
  description = "Days after which what a job left under _fanfold/ is deleted, should the job not have done so itself. Longer than a job lives (7 days): a running job must find what it wrote."
  type        = number
  default     = 9
  nullable    = false

  validation {
    condition     = var.scratch_retention_days >= 8 && floor(var.scratch_retention_days) == var.scratch_retention_days
    error_message = "scratch_retention_days must be a whole number of at least 8: a job may run for 7 days and needs what it wrote."
  }
}

variable "source_archive" {
  description = "Path of the functions' source archive. Default: dist/functions.zip beside this folder."
  type        = string
  default     = null

  validation {
    condition     = var.source_archive == null || can(regex("\\.zip$", var.source_archive))
    error_message = "source_archive must be the path of a .zip file."
  }
}

variable "source_buckets" {
  description = "Further buckets whose objects jobs may name as their input. The input bucket is always readable; it starts a job for every file dropped into it."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for bucket in var.source_buckets : can(regex("^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$", bucket))])
    error_message = "source_buckets must be names of buckets, without gs:// and without a path."
  }
}

variable "sweep_schedule" {
  description = "When the sweep runs, in cron's format (UTC). It looks for jobs that stand still for 15 minutes: more often than every minute is of no use."
  type        = string
  default     = "*/5 * * * *"
  nullable    = false

  validation {
    condition     = can(regex("^\\S+( \\S+){4}$", var.sweep_schedule))
    error_message = "sweep_schedule must be five fields in cron's format, as in \"*/5 * * * *\"."
  }
}

variable "topic_prefix" {
  description = "What the names of topics and subscriptions start with. Default: \"<name_prefix>-\"."
  type        = string
  default     = null

  validation {
    condition     = var.topic_prefix == null || can(regex("^[A-Za-z][A-Za-z0-9._-]{1,200}$", var.topic_prefix)) && !can(regex("^(?i:goog)", var.topic_prefix))
    error_message = "topic_prefix must be 2–201 letters, digits, \"-\", \".\" or \"_\", beginning with a letter and not with \"goog\"."
  }
}
