# Our own push subscriptions rather than Eventarc's: those offer no dead letters.
resource "google_pubsub_subscription" "push" {
  for_each = local.topics

  name  = "${local.topic_prefix}${each.key}"
  topic = google_pubsub_topic.topic[each.key].id

  # The most that Pub/Sub allows; a push cannot extend it, so functions give up before (functions.tf).
  ack_deadline_seconds = 600

  # Tasks live as long as their job may (7 days). A dead letter is the last trace of a task: as long as Pub/Sub allows (31 days).
  message_retention_duration = each.key == local.dead_letter_topic ? "2678400s" : "604800s"

  # A subscription that nothing flows through for a month must still be there for the next job.
  expiration_policy {
    ttl = ""
  }

  retry_policy {
    minimum_backoff = "10s"
    maximum_backoff = "600s"
  }

  dynamic "dead_letter_policy" {
    for_each = each.key == local.dead_letter_topic ? [] : [google_pubsub_topic.topic[local.dead_letter_topic].id]
    content {
      dead_letter_topic     = dead_letter_policy.value
      max_delivery_attempts = 5 # shared/config.ts, MAX_ATTEMPTS
    }
  }

  push_config {
    push_endpoint = local.uris[each.value.subscriber]
    oidc_token {
      service_account_email = google_service_account.push.email
      audience              = local.uris[each.value.subscriber]
    }
  }
}

# Moving a message to the dead letters means acknowledging it here.
resource "google_pubsub_subscription_iam_member" "dead_letter_subscriber" {
  for_each = local.task_topics

  subscription = google_pubsub_subscription.push[each.key].id
  role         = "roles/pubsub.subscriber"
  member       = local.pubsub_agent
}

# Who pushes are signed as: it may invoke the functions that take tasks, and nothing else.
resource "google_service_account" "push" {
  account_id   = "${var.name_prefix}-push"
  display_name = "Fanfold: pushes tasks to functions"

  depends_on = [google_project_service.required]
}

resource "google_service_account_iam_member" "push_tokens" {
  service_account_id = google_service_account.push.name
  role               = "roles/iam.serviceAccountOpenIdTokenCreator"
  member             = local.pubsub_agent
}

resource "google_cloud_run_v2_service_iam_member" "push_invoker" {
  for_each = toset([for topic in local.topics : topic.subscriber])

  name     = google_cloudfunctions2_function.function[each.value].name
  location = var.location
  role     = "roles/run.invoker"
  member   = google_service_account.push.member
}
