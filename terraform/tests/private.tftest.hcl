# What holds without any variable beyond the project: nothing public, nothing shared, nothing always on.

mock_provider "google" {
  mock_data "google_project" {
    defaults = { number = "123456789012" }
  }
  mock_data "google_storage_project_service_account" {
    defaults = { member = "serviceAccount:service-123456789012@gs-project-accounts.iam.gserviceaccount.com" }
  }
}

variables {
  project_id   = "shop-studio"
  package      = "tests/any.zip"
  page_package = "tests/any.zip"
}

run "by_default" {
  # --- buckets -----------------------------------------------------------------------------------

  assert {
    condition     = toset(keys(google_storage_bucket.this)) == toset(["input", "work", "output", "source"])
    error_message = "There are four buckets."
  }
  assert {
    condition     = alltrue([for bucket in google_storage_bucket.this : bucket.uniform_bucket_level_access])
    error_message = "Access is by role alone, in every bucket."
  }
  assert {
    condition     = alltrue([for bucket in google_storage_bucket.this : bucket.public_access_prevention == "enforced"])
    error_message = "No bucket can be made public."
  }
  assert {
    condition     = alltrue([for bucket in google_storage_bucket.this : bucket.soft_delete_policy[0].retention_duration_seconds >= 7 * 86400])
    error_message = "What is deleted can be had back for a week, in every bucket."
  }
  assert {
    condition     = google_storage_bucket.this["output"].versioning[0].enabled && google_storage_bucket.this["source"].versioning[0].enabled
    error_message = "Results and zips keep earlier versions."
  }
  assert {
    condition     = !google_storage_bucket.this["input"].force_destroy && !google_storage_bucket.this["output"].force_destroy
    error_message = "Tearing down does not throw pictures away."
  }
  assert {
    condition = anytrue([
      for rule in google_storage_bucket.this["work"].lifecycle_rule :
      one(rule.action).type == "Delete" && one(rule.condition).age == 45 && toset(coalesce(one(rule.condition).matches_prefix, [])) == toset(["batch/", "claims/", "notices/", "renders/", "replies/"])
    ])
    error_message = "Work expires, also where no sweep runs."
  }
  assert {
    # An age without a prefix would delete manifests that were never folded, or users' inputs.
    condition     = alltrue([for name in ["input", "work", "output"] : alltrue([for rule in google_storage_bucket.this[name].lifecycle_rule : one(rule.action).type != "Delete" || try(length(one(rule.condition).matches_prefix), 0) > 0 || one(rule.condition).with_state == "ARCHIVED"])])
    error_message = "By default no live input and no live result is ever deleted."
  }
  assert {
    condition     = length(google_storage_bucket.this["input"].cors) == 0
    error_message = "No page may upload unless its origin is named."
  }

  # --- accounts ----------------------------------------------------------------------------------

  assert {
    condition     = length(distinct([for account in google_service_account.function : account.account_id])) == length(local.deployed)
    error_message = "Each function has an account of its own."
  }
  assert {
    condition     = alltrue([for name, function in google_cloudfunctions2_function.this : function.service_config[0].service_account_email == google_service_account.function[name].email])
    error_message = "Each function runs as its own account."
  }
  assert {
    condition     = alltrue([for account in google_service_account.function : length(account.account_id) <= 30])
    error_message = "An account's name has at most 30 characters."
  }
  assert {
    condition     = alltrue([for grant in google_storage_bucket_iam_member.function : grant.role == "roles/storage.objectViewer" if grant.bucket == google_storage_bucket.this["input"].name])
    error_message = "No function can write the input bucket."
  }
  assert {
    condition     = length(google_storage_bucket_iam_member.uploaders) == 0 && length(google_storage_bucket_iam_member.readers) == 0
    error_message = "Nobody else can either, until somebody is named."
  }
  assert {
    condition     = alltrue([for grant in google_storage_bucket_iam_member.function : contains(["roles/storage.objectViewer", "roles/storage.objectUser"], grant.role)])
    error_message = "No function may change who may what in a bucket."
  }
  assert {
    condition     = alltrue([for grant in google_storage_bucket_iam_member.function : grant.bucket != google_storage_bucket.this["source"].name])
    error_message = "No function can touch the zips."
  }
  assert {
    condition     = alltrue([for name, function in local.functions : alltrue([for need in ["input", "work", "output"] : contains(function.needs, need) == contains(keys(google_storage_bucket_iam_member.function), "${name} ${need}")])])
    error_message = "A function has the buckets that its line names, and no others."
  }
  assert {
    condition     = alltrue([for name, function in local.functions : !contains(function.needs, "input") && !contains(function.needs, "output") if function.door == "http" && contains(function.needs, "models")])
    error_message = "An operation over HTTP has no business in the input and output buckets."
  }
  assert {
    condition     = toset([for grant in google_storage_bucket_iam_member.function : grant.role if grant.bucket == google_storage_bucket.this["output"].name && contains([for name, function in local.deployed : google_service_account.function[name].member if function.door == "http"], grant.member)]) == toset(["roles/storage.objectViewer"])
    error_message = "What is told over HTTP about results is read; results are made elsewhere."
  }
  assert {
    condition     = alltrue([for account in google_service_account.function : account.member != google_storage_bucket_iam_member.uploader.member]) && google_storage_bucket_iam_member.uploader.role == "roles/storage.objectCreator"
    error_message = "The uploader is no function, and can only create."
  }
  assert {
    condition     = alltrue([for name, grant in google_service_account_iam_member.uploads : local.deployed[name].door == "http" && contains(local.deployed[name].needs, "uploads") && grant.service_account_id == google_service_account.uploader.name])
    error_message = "Only HTTP functions take the uploader's place: nothing that makes results does."
  }
  assert {
    condition     = google_project_iam_custom_role.signs.permissions == toset(["iam.serviceAccounts.signBlob"]) && alltrue([for name, grant in google_service_account_iam_member.signs : grant.service_account_id == google_service_account.function[name].name])
    error_message = "Whoever signs addresses signs as itself, and can take nobody's tokens by it."
  }

  # --- doors -------------------------------------------------------------------------------------

  assert {
    condition     = alltrue([for name, function in google_cloudfunctions2_function.this : function.service_config[0].ingress_settings == "ALLOW_INTERNAL_ONLY" if local.deployed[name].door != "http"])
    error_message = "Functions of dropped pictures and the clock are reached from inside alone."
  }
  assert {
    condition     = length(google_cloud_run_v2_service_iam_member.invoker) == 0
    error_message = "Nobody may call a function until somebody is named."
  }
  assert {
    condition     = length(google_cloud_run_v2_service_iam_member.keyed) == 0 && length(local.behind_doors["keys"]) == 0
    error_message = "By default there is no door that everybody may knock at."
  }
  assert {
    condition     = toset([for grant in google_cloud_run_v2_service_iam_member.pusher : grant.member]) == toset([google_service_account.pusher.member]) && toset(keys(google_cloud_run_v2_service_iam_member.pusher)) == toset(keys(local.behind_doors["bucket"]))
    error_message = "Pub/Sub's account may call the functions of dropped pictures, and those only."
  }
  assert {
    condition     = keys(google_cloud_run_v2_service_iam_member.clock) == ["sweep"] && google_cloud_run_v2_service_iam_member.clock["sweep"].member == google_service_account.clock.member
    error_message = "The scheduler's account may call the sweep, and nothing else."
  }
  assert {
    condition     = alltrue([for function in google_cloudfunctions2_function.this : function.service_config[0].min_instance_count == 0])
    error_message = "Nothing is always on."
  }
  assert {
    condition     = alltrue([for name, function in google_cloudfunctions2_function.this : function.service_config[0].environment_variables["STUDIO_ACCESS"] == "iam" if local.deployed[name].door == "http"])
    error_message = "Without a gateway it is Cloud Run that checks who calls."
  }

  # --- models ------------------------------------------------------------------------------------

  assert {
    condition     = google_project_iam_custom_role.asks_models[0].permissions == toset(["aiplatform.endpoints.predict"])
    error_message = "The role for Vertex AI asks models, and rents no machines."
  }
  assert {
    condition     = toset(keys(google_project_iam_member.asks_models)) == toset([for name, function in local.deployed : name if contains(function.needs, "models")])
    error_message = "Those that need models have the role, and no others."
  }
  assert {
    condition     = length(google_secret_manager_secret_iam_member.function) == 0 && alltrue([for function in google_cloudfunctions2_function.this : length(function.service_config[0].secret_environment_variables) == 0])
    error_message = "By default there is no key and no secret anywhere."
  }
  assert {
    condition     = alltrue([for name, function in google_cloudfunctions2_function.this : can(function.service_config[0].environment_variables["STUDIO_CAP_DAY_USD"]) && can(function.service_config[0].environment_variables["STUDIO_CAP_REQUEST_USD"]) if contains(local.deployed[name].needs, "models")])
    error_message = "Whoever can spend has a cap."
  }
  assert {
    condition     = alltrue([for name, function in local.functions : contains(function.needs, "work") if contains(function.needs, "models")])
    error_message = "Whoever can spend has the ledger."
  }

  # --- build -------------------------------------------------------------------------------------

  assert {
    condition     = alltrue([for function in google_cloudfunctions2_function.this : function.build_config[0].service_account == google_service_account.build.id])
    error_message = "Images are built by an account of their own."
  }
  assert {
    condition     = alltrue([for function in google_cloudfunctions2_function.this : function.build_config[0].docker_repository == google_artifact_registry_repository.images.id])
    error_message = "Images go to a repository of their own."
  }
  assert {
    condition     = strcontains(google_project_iam_member.build_source.condition[0].expression, "projects/_/buckets/gcf-v2-sources-123456789012-us-central1")
    error_message = "The build reads copies of zips, and no picture."
  }
  assert {
    condition     = google_storage_bucket_object.zip.name == "functions/${filesha256(var.package)}.zip" && google_storage_bucket_object.zip.deletion_policy == "ABANDON"
    error_message = "A zip is named by its content, and the next release leaves it where it is."
  }
  assert {
    condition     = length(distinct([for function in google_cloudfunctions2_function.this : function.build_config[0].source[0].storage_source[0].object])) == 1
    error_message = "Every function is made of the same zip."
  }

  # --- events ------------------------------------------------------------------------------------

  assert {
    condition     = alltrue([for name, notice in google_storage_notification.dropped : notice.event_types == toset(["OBJECT_FINALIZE"]) && notice.object_name_prefix == "${trimsuffix(name, "_dropped")}/" && notice.payload_format == "JSON_API_V1"])
    error_message = "Each function hears of new objects in its own folder, with their metadata."
  }
  assert {
    condition     = alltrue([for name, push in google_pubsub_subscription.dropped : push.push_config[0].push_endpoint == google_cloudfunctions2_function.this[name].service_config[0].uri && push.push_config[0].oidc_token[0].service_account_email == google_service_account.pusher.email])
    error_message = "A push goes to the function's own address, with a token."
  }
  assert {
    condition     = alltrue([for push in google_pubsub_subscription.dropped : push.dead_letter_policy[0].max_delivery_attempts == 10 && push.dead_letter_policy[0].dead_letter_topic == google_pubsub_topic.dead.id])
    error_message = "After ten attempts a message is a dead letter."
  }
  assert {
    condition     = alltrue([for push in google_pubsub_subscription.dropped : push.message_retention_duration == "604800s" && push.retry_policy[0].minimum_backoff == "10s" && push.retry_policy[0].maximum_backoff == "600s" && push.expiration_policy[0].ttl == ""])
    error_message = "Messages wait for a week, are tried again ever more slowly, and subscriptions never lapse."
  }
  assert {
    condition     = alltrue([for name, push in google_pubsub_subscription.dropped : push.ack_deadline_seconds > google_cloudfunctions2_function.this[name].service_config[0].timeout_seconds])
    error_message = "A picture that is being worked on is not sent again."
  }
  assert {
    condition     = alltrue([for name, push in google_pubsub_subscription.dead : push.filter == "hasPrefix(attributes.objectId, \"${trimsuffix(name, "_dropped")}/\")" && push.push_config[0].push_endpoint == google_cloudfunctions2_function.this[name].service_config[0].uri])
    error_message = "A dead letter goes to its own function, which writes the failed result."
  }
  assert {
    condition     = length(google_pubsub_subscription.dead_kept.push_config) == 0 && google_pubsub_subscription.dead_kept.message_retention_duration == "604800s"
    error_message = "Dead letters also wait a week for a person."
  }
  assert {
    condition     = keys(google_pubsub_subscription_iam_member.dead) == keys(google_pubsub_subscription.dropped) && google_pubsub_topic_iam_member.dead.member == "serviceAccount:service-123456789012@gcp-sa-pubsub.iam.gserviceaccount.com"
    error_message = "Pub/Sub's agent may take from each subscription and put to the dead letters."
  }
  assert {
    condition     = google_cloud_scheduler_job.clock["sweep"].http_target[0].http_method == "POST" && google_cloud_scheduler_job.clock["sweep"].http_target[0].oidc_token[0].service_account_email == google_service_account.clock.email
    error_message = "The clock posts to the sweep, with a token."
  }

  # --- gateway -----------------------------------------------------------------------------------

  assert {
    condition     = length(google_compute_global_forwarding_rule.https) == 0 && length(google_compute_backend_service.function) == 0 && length(google_cloudfunctions2_function.page) == 0
    error_message = "Without being asked for, there is no gateway and nothing of it."
  }

  # --- sizes -----------------------------------------------------------------------------------

  assert {
    condition     = alltrue([for name, function in google_cloudfunctions2_function.this : function.service_config[0].environment_variables["THREADS"] == tostring(function.service_config[0].max_instance_request_concurrency)])
    error_message = "The server has a thread for each request that it is sent, and no more."
  }
  assert {
    condition     = alltrue([for name, size in local.sizes : size.images_a_minute * size.max_instances >= 60 && size.images_a_minute * (size.max_instances - 1) < 60])
    error_message = "All instances of a function together keep to the quota, and can use it."
  }
}
