mock_provider "google" {
  source = "./tests/mocks"
}

variables {
  project_id     = "demo-project"
  source_archive = "tests/functions.zip"
}

run "delivery" {
  command = plan

  assert {
    condition     = alltrue([for subscription in google_pubsub_subscription.push : subscription.ack_deadline_seconds == 600])
    error_message = "A subscription's ack deadline is not 600 s."
  }

  assert {
    condition = alltrue([for name, subscription in google_pubsub_subscription.push :
      subscription.push_config[0].oidc_token[0].service_account_email == google_service_account.push.email &&
      subscription.push_config[0].oidc_token[0].audience == subscription.push_config[0].push_endpoint
    ])
    error_message = "A push is not signed as the push account, for the function that it goes to."
  }

  assert {
    condition = { for name, subscription in google_pubsub_subscription.push : name => subscription.push_config[0].push_endpoint } == {
      assembly     = "https://fanfold-finalize.run.app"
      dead-letters = "https://fanfold-dead-letter.run.app"
      shards       = "https://fanfold-score.run.app"
      splits       = "https://fanfold-split.run.app"
    }
    error_message = "A topic's tasks go to another function, or not to its run.app address (the only one that counts as internal)."
  }

  assert {
    condition     = alltrue([for subscription in google_pubsub_subscription.push : subscription.retry_policy[0].minimum_backoff == "10s" && subscription.retry_policy[0].maximum_backoff == "600s"])
    error_message = "A subscription does not wait 10–600 s between attempts."
  }

  assert {
    condition     = alltrue([for subscription in google_pubsub_subscription.push : subscription.expiration_policy[0].ttl == ""])
    error_message = "A subscription expires when nothing flows through it."
  }

  assert {
    condition = alltrue([for name in keys(local.task_topics) :
      google_pubsub_subscription.push[name].dead_letter_policy[0].max_delivery_attempts == 5 &&
      google_pubsub_subscription.push[name].dead_letter_policy[0].dead_letter_topic == google_pubsub_topic.topic["dead-letters"].id
    ])
    error_message = "A task that fails five times does not become a dead letter."
  }

  assert {
    condition     = length(google_pubsub_subscription.push["dead-letters"].dead_letter_policy) == 0
    error_message = "Dead letters would become dead letters of themselves."
  }

  assert {
    condition     = google_pubsub_subscription.push["dead-letters"].message_retention_duration == "2678400s"
    error_message = "Dead letters are not kept for 31 days."
  }

  # Without both, Pub/Sub silently keeps what it should move.
  assert {
    condition     = google_pubsub_topic_iam_member.dead_letter_publisher.member == local.pubsub_agent && keys(google_pubsub_subscription_iam_member.dead_letter_subscriber) == ["assembly", "shards", "splits"]
    error_message = "Pub/Sub may not move dead letters: it must publish there and acknowledge here."
  }

  assert {
    condition = [for name, function in google_cloudfunctions2_function.function : name if length(function.event_trigger) > 0] == ["upload"]

    error_message = "upload, and only upload, is called by events."
  }

  assert {
    condition = alltrue([for trigger in google_cloudfunctions2_function.function["upload"].event_trigger :
      trigger.event_type == "google.cloud.storage.object.v1.finalized" &&
      trigger.retry_policy == "RETRY_POLICY_RETRY" &&
      trigger.service_account_email == google_service_account.eventarc.email &&
      one(trigger.event_filters).value == google_storage_bucket.input.name
    ])
    error_message = "upload is not called, again where it failed, for each object of the input bucket."
  }

  assert {
    condition     = google_cloud_scheduler_job.sweep.schedule == "*/5 * * * *" && google_cloud_scheduler_job.sweep.http_target[0].uri == "https://fanfold-sweep.run.app"
    error_message = "The sweep does not run every five minutes."
  }

  assert {
    condition     = google_cloud_scheduler_job.sweep.http_target[0].oidc_token[0].service_account_email == google_service_account.scheduler.email
    error_message = "The sweep's caller is not signed as the scheduler's account."
  }
}

run "settings_of_one_function" {
  command = plan

  variables {
    functions = { score = { available_memory = "8Gi", max_instances = 10 } }
  }

  assert {
    condition     = google_cloudfunctions2_function.function["score"].service_config[0].available_memory == "8Gi" && google_cloudfunctions2_function.function["score"].service_config[0].available_cpu == "1"
    error_message = "A setting left out does not keep its default."
  }

  assert {
    condition     = output.capacity["score"] == 20 && output.capacity["split"] == 100
    error_message = "capacity does not follow the settings."
  }
}

run "a_second_installation" {
  command = plan

  variables {
    name_prefix = "blue"
  }

  assert {
    condition = alltrue(flatten([
      [for topic in google_pubsub_topic.topic : startswith(topic.name, "blue-")],
      [for function in google_cloudfunctions2_function.function : startswith(function.name, "blue-")],
      [for function in google_cloudfunctions2_function.function : function.service_config[0].environment_variables["FANFOLD_TOPIC_PREFIX"] == "blue-"],
      [for account in google_service_account.function : startswith(account.account_id, "blue-")],
    ]))
    error_message = "Two installations in one project would share names."
  }
}
