locals {
  dead_letter_topic = "dead-letters"

  # shared/messages.ts, TOPICS: which function takes a topic's tasks, and which functions publish them.
  topics = {
    splits = {
      subscriber = "split"
      publishers = ["jobs", "split", "sweep", "upload"]
    }
    shards = {
      subscriber = "score"
      publishers = ["split"]
    }
    assembly = {
      subscriber = "finalize"
      publishers = ["dead-letter", "finalize", "jobs", "score", "split", "sweep", "upload"]
    }
    (local.dead_letter_topic) = {
      subscriber = "dead-letter"
      publishers = []
    }
  }

  # The topics that functions publish to; what Pub/Sub gives up on there goes to the dead letters.
  task_topics = { for name, topic in local.topics : name => topic if name != local.dead_letter_topic }
}

resource "google_pubsub_topic" "topic" {
  for_each = local.topics

  name = "${local.topic_prefix}${each.key}"

  depends_on = [google_project_service.required]
}

resource "google_pubsub_topic_iam_member" "publisher" {
  for_each = merge([for name, topic in local.topics : { for publisher in topic.publishers : "${name}/${publisher}" => {
    topic    = name
    function = publisher
  } }]...)

  topic  = google_pubsub_topic.topic[each.value.topic].id
  role   = "roles/pubsub.publisher"
  member = google_service_account.function[each.value.function].member
}

resource "google_pubsub_topic_iam_member" "dead_letter_publisher" {
  topic  = google_pubsub_topic.topic[local.dead_letter_topic].id
  role   = "roles/pubsub.publisher"
  member = local.pubsub_agent
}
