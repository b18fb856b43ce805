# From a dropped picture to its function:
#
#   input/cutout/x.jpg -> notification (prefix cutout/) -> topic -> push -> cutout_dropped
#                                                            after 10 attempts: dead letters -> the same
#                                                            function, which writes a failed result
#
# Not Eventarc: it filters by bucket only, so that every function would wake for every file, keeps
# events for a day instead of a week, and does not retry unless told to.

locals {
  # cutout_dropped works on the folder cutout/.
  folders = { for name, _ in local.behind_doors["bucket"] : name => "${trimsuffix(name, "_dropped")}/" }
}

resource "google_pubsub_topic" "dropped" {
  for_each     = local.folders
  name         = local.function_names[each.key]
  kms_key_name = var.kms_key
  labels       = local.labels

  message_storage_policy {
    allowed_persistence_regions = [var.region]
  }

  lifecycle {
    precondition {
      condition     = length(local.folders) <= 10
      error_message = "Cloud Storage sends at most ten notifications of one kind from a bucket; an eleventh operation needs a topic shared with another."
    }
  }

  depends_on = [google_project_service.this, google_kms_crypto_key_iam_member.agent]
}

resource "google_pubsub_topic_iam_member" "storage" {
  for_each = local.folders
  topic    = google_pubsub_topic.dropped[each.key].id
  role     = "roles/pubsub.publisher"
  member   = data.google_storage_project_service_account.this.member
}

resource "google_storage_notification" "dropped" {
  for_each           = local.folders
  bucket             = google_storage_bucket.this["input"].name
  topic              = google_pubsub_topic.dropped[each.key].id
  object_name_prefix = each.value
  event_types        = ["OBJECT_FINALIZE"]
  payload_format     = "JSON_API_V1" # the object's metadata comes along, and with it its params

  depends_on = [google_pubsub_topic_iam_member.storage]
}

resource "google_pubsub_subscription" "dropped" {
  for_each                   = local.folders
  name                       = local.function_names[each.key]
  topic                      = google_pubsub_topic.dropped[each.key].id
  labels                     = local.labels
  ack_deadline_seconds       = 600 # above every function's timeout: a picture at work is not sent again
  message_retention_duration = "${7 * local.day}s"

  expiration_policy {
    ttl = "" # a quiet month is no reason to vanish
  }

  retry_policy {
    minimum_backoff = "10s"
    maximum_backoff = "600s"
  }

  dead_letter_policy {
    dead_letter_topic     = google_pubsub_topic.dead.id
    max_delivery_attempts = 10
  }

  push_config {
    push_endpoint = google_cloudfunctions2_function.this[each.key].service_config[0].uri

    oidc_token {
      service_account_email = google_service_account.pusher.email
      audience              = google_cloudfunctions2_function.this[each.key].service_config[0].uri
    }
  }

  depends_on = [google_cloud_run_v2_service_iam_member.pusher]
}

# --- dead letters ---------------------------------------------------------------------------------

resource "google_pubsub_topic" "dead" {
  name         = "${var.name}-dead-letters"
  kms_key_name = var.kms_key
  labels       = local.labels

  message_storage_policy {
    allowed_persistence_regions = [var.region]
  }

  depends_on = [google_project_service.this, google_kms_crypto_key_iam_member.agent]
}

# A dead letter goes to its function once more: that writes a failed result, where users look for it.
resource "google_pubsub_subscription" "dead" {
  for_each                   = local.folders
  name                       = "${local.function_names[each.key]}-dead"
  topic                      = google_pubsub_topic.dead.id
  filter                     = "hasPrefix(attributes.objectId, \"${each.value}\")"
  labels                     = local.labels
  ack_deadline_seconds       = 600
  message_retention_duration = "${7 * local.day}s"

  expiration_policy {
    ttl = ""
  }

  retry_policy {
    minimum_backoff = "60s"
    maximum_backoff = "600s"
  }

  push_config {
    push_endpoint = google_cloudfunctions2_function.this[each.key].service_config[0].uri

    oidc_token {
      service_account_email = google_service_account.pusher.email
      audience              = google_cloudfunctions2_function.this[each.key].service_config[0].uri
    }
  }

  depends_on = [google_cloud_run_v2_service_iam_member.pusher]
}

# And it lies here for a week, for whoever wants to know what went wrong.
resource "google_pubsub_subscription" "dead_kept" {
  name                       = "${var.name}-dead-letters"
  topic                      = google_pubsub_topic.dead.id
  labels                     = local.labels
  ack_deadline_seconds       = 60
  message_retention_duration = "${7 * local.day}s"

  expiration_policy {
    ttl = ""
  }
}

# --- who may --------------------------------------------------------------------------------------

resource "google_service_account" "pusher" {
  account_id   = "${var.name}-pusher"
  display_name = "Pub/Sub calls the functions of dropped pictures as this account"
  depends_on   = [google_project_service.this]
}

resource "google_cloud_run_v2_service_iam_member" "pusher" {
  for_each = local.folders
  name     = google_cloudfunctions2_function.this[each.key].name
  location = var.region
  role     = "roles/run.invoker"
  member   = google_service_account.pusher.member
}

# Pub/Sub's own agent moves a message to the dead letters: it takes it from one and puts it to the other.
locals {
  pubsub_agent = "serviceAccount:service-${local.number}@gcp-sa-pubsub.iam.gserviceaccount.com"
}

resource "google_pubsub_topic_iam_member" "dead" {
  topic  = google_pubsub_topic.dead.id
  role   = "roles/pubsub.publisher"
  member = local.pubsub_agent
}

resource "google_pubsub_subscription_iam_member" "dead" {
  for_each     = local.folders
  subscription = google_pubsub_subscription.dropped[each.key].id
  role         = "roles/pubsub.subscriber"
  member       = local.pubsub_agent
}

# Only on this account, and only the token that a push carries: projects from before April 2021 need it.
resource "google_service_account_iam_member" "pusher_token" {
  service_account_id = google_service_account.pusher.name
  role               = "roles/iam.serviceAccountOpenIdTokenCreator"
  member             = local.pubsub_agent
}
