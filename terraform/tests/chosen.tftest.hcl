# What holds where an operator has chosen: a gateway, keys, secrets, a key of one's own, an older zip.

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

run "gateway_for_people" {
  variables {
    gateway = { domain = "studio.example.com", people = ["group:shop@example.com"] }
  }

  assert {
    condition     = alltrue([for function in google_cloudfunctions2_function.this : function.service_config[0].ingress_settings != "ALLOW_ALL"]) && google_cloudfunctions2_function.page[0].service_config[0].ingress_settings == "ALLOW_INTERNAL_AND_GCLB"
    error_message = "With a gateway there is no way past it."
  }
  assert {
    condition     = alltrue([for backend in google_compute_backend_service.function : backend.iap[0].enabled])
    error_message = "Identity-Aware Proxy stands in front of every backend, the page's too."
  }
  assert {
    condition     = alltrue([for backend in google_compute_backend_service.function : backend.security_policy == google_compute_security_policy.gateway[0].id])
    error_message = "Cloud Armor stands in front of every backend."
  }
  assert {
    condition     = toset(keys(google_compute_backend_service.function)) == toset(concat(keys(local.behind_doors["http"]), ["page"]))
    error_message = "Functions of dropped pictures and the clock are not behind the gateway: Identity-Aware Proxy would stop Pub/Sub."
  }
  assert {
    condition     = alltrue([for grant in google_cloud_run_v2_service_iam_member.iap : grant.member == "serviceAccount:service-123456789012@gcp-sa-iap.iam.gserviceaccount.com"]) && length(google_cloud_run_v2_service_iam_member.keyed) == 0
    error_message = "Only Identity-Aware Proxy calls the functions for people."
  }
  assert {
    condition     = toset([for grant in google_iap_web_backend_service_iam_member.people : grant.member]) == toset(["group:shop@example.com"]) && length(google_iap_web_backend_service_iam_member.people) == length(google_compute_backend_service.function)
    error_message = "Those who were named may come, to every backend."
  }
  assert {
    condition     = alltrue([for name, function in google_cloudfunctions2_function.this : function.service_config[0].environment_variables["STUDIO_ACCESS"] == "iap" && function.service_config[0].environment_variables["STUDIO_IAP_AUDIENCE"] == "/projects/123456789012/global/backendServices/${google_compute_backend_service.function[name].generated_id}" if local.deployed[name].door == "http"])
    error_message = "Each function takes only what Identity-Aware Proxy has signed for its own backend."
  }
  assert {
    condition     = toset(flatten([for matcher in google_compute_url_map.gateway[0].path_matcher : [for rule in matcher.path_rule : rule.paths]])) == toset(flatten([for function in local.behind_doors["http"] : function.paths])) && length(google_compute_url_map.gateway[0].path_matcher) == 1
    error_message = "Every path of the map leads to its function."
  }
  assert {
    condition     = google_compute_url_map.gateway[0].default_service == google_compute_backend_service.function["page"].id
    error_message = "Everything else is the page."
  }
  assert {
    condition     = google_compute_global_forwarding_rule.https[0].port_range == "443" && google_compute_ssl_policy.gateway[0].min_tls_version == "TLS_1_2" && google_compute_ssl_policy.gateway[0].profile == "RESTRICTED"
    error_message = "Only TLS, and only what is good today."
  }
  assert {
    condition     = length([for grant in google_storage_bucket_iam_member.function : grant if grant.member == google_service_account.page[0].member]) == 0
    error_message = "The page's account may do nothing."
  }
}

run "gateway_for_machines" {
  variables {
    gateway  = { domain = "studio.example.com", people = [], machine_domain = "api.example.com", allowed_networks = ["203.0.113.0/24"] }
    api_keys = { secret = "studio-api-keys", version = "3" }
  }

  assert {
    condition     = toset(keys(google_cloud_run_v2_service_iam_member.keyed)) == toset([for name, _ in local.functions : "${name}_keyed" if local.functions[name].door == "http"])
    error_message = "Cloud Run lets everybody through to the keyed functions, and to no other."
  }
  assert {
    condition     = alltrue([for name, function in google_cloudfunctions2_function.this : function.service_config[0].environment_variables["STUDIO_ACCESS"] == "keys" && function.service_config[0].ingress_settings == "ALLOW_INTERNAL_AND_GCLB" if local.deployed[name].door == "keys"])
    error_message = "Those ask for a key themselves, and are reached through the gateway alone."
  }
  assert {
    condition     = alltrue([for name, function in google_cloudfunctions2_function.this : contains([for secret in function.service_config[0].secret_environment_variables : secret.key], "STUDIO_API_KEYS") == (local.deployed[name].door == "keys")])
    error_message = "They know the hashes of the keys, and nobody else does."
  }
  assert {
    condition     = alltrue([for name, backend in google_compute_backend_service.function : backend.iap[0].enabled == !endswith(name, "_keyed")])
    error_message = "Identity-Aware Proxy stands in front of all others."
  }
  assert {
    condition     = length(google_service_account.function) == length(local.deployed) && alltrue([for account in google_service_account.function : length(account.account_id) <= 30])
    error_message = "The keyed functions have accounts of their own."
  }
  assert {
    condition     = one([for rule in google_compute_security_policy.gateway[0].rule : rule.action if rule.priority == 2147483647]) == "deny(403)"
    error_message = "Where networks are named, everybody else stays out."
  }
}

run "secrets_and_keys" {
  variables {
    gemini_api_key  = { secret = "gemini-api-key", version = "7" }
    webhook_secret  = { secret = "studio-webhook", version = "1" }
    kms_key         = "projects/shop-studio/locations/us-central1/keyRings/studio/cryptoKeys/studio"
    upload_origins  = ["https://studio.example.com"]
    uploaders       = ["group:shop@example.com"]
    readers         = ["group:shop@example.com"]
    allowed_buckets = ["photos-of-the-shop"]
    invokers        = ["serviceAccount:shop@shop-studio.iam.gserviceaccount.com"]
    caps            = { day_usd = 5, prefixes_usd = { "cutout/shoes/" = 2 } }
    budget          = { billing_account = "012345-6789AB-CDEF01", monthly_usd = 50 }
    alert_emails    = ["ops@example.com"]
    release         = "0000000000000000000000000000000000000000000000000000000000000000"
  }

  assert {
    condition     = length(google_project_iam_member.asks_models) == 0 && length(google_project_iam_custom_role.asks_models) == 0
    error_message = "With a key of the Gemini API nobody needs Vertex AI."
  }
  assert {
    condition     = alltrue([for name, function in google_cloudfunctions2_function.this : contains([for secret in function.service_config[0].secret_environment_variables : "${secret.key}=${secret.secret}#${secret.version}"], "GEMINI_API_KEY=gemini-api-key#7") == contains(local.deployed[name].needs, "models")])
    error_message = "The key reaches those that ask models, by reference, in its version, and no others."
  }
  assert {
    condition     = alltrue([for name, function in google_cloudfunctions2_function.this : !can(function.service_config[0].environment_variables["GEMINI_API_KEY"]) && !can(function.service_config[0].environment_variables["STUDIO_WEBHOOK_SECRET"])])
    error_message = "No secret stands in a plain variable."
  }
  assert {
    condition     = toset([for name, _ in google_secret_manager_secret_iam_member.function : name]) == toset(flatten([for name, function in local.deployed : concat(contains(function.needs, "models") ? ["${name} GEMINI_API_KEY"] : [], contains(function.needs, "notices") ? ["${name} STUDIO_WEBHOOK_SECRET"] : [])]))
    error_message = "The right to read a secret goes with the secret."
  }
  assert {
    condition     = alltrue([for bucket in google_storage_bucket.this : bucket.encryption[0].default_kms_key_name == var.kms_key]) && alltrue([for topic in google_pubsub_topic.dropped : topic.kms_key_name == var.kms_key]) && google_pubsub_topic.dead.kms_key_name == var.kms_key && google_artifact_registry_repository.images.kms_key_name == var.kms_key && alltrue([for function in google_cloudfunctions2_function.this : function.kms_key_name == var.kms_key])
    error_message = "The customer's key protects buckets, topics, images and functions."
  }
  assert {
    condition     = length(google_kms_crypto_key_iam_member.agent) == 5 && alltrue([for grant in google_kms_crypto_key_iam_member.agent : grant.role == "roles/cloudkms.cryptoKeyEncrypterDecrypter" && can(regex("^serviceAccount:service-123456789012@", grant.member))])
    error_message = "Google's agents of this project may use the key, and nobody else."
  }
  assert {
    condition     = google_storage_bucket.this["input"].cors[0].origin == tolist(["https://studio.example.com"]) && length(google_storage_bucket.this["output"].cors) == 0
    error_message = "Pages upload from where they were named, to the input bucket alone."
  }
  assert {
    condition     = alltrue([for grant in google_storage_bucket_iam_member.function_foreign : grant.role == "roles/storage.objectViewer"]) && toset([for _, grant in google_storage_bucket_iam_member.function_foreign : grant.member]) == toset([for name, function in local.deployed : google_service_account.function[name].member if contains(function.needs, "addresses")])
    error_message = "Other buckets are read, by those that take addresses."
  }
  assert {
    condition     = length(google_cloud_run_v2_service_iam_member.invoker) == length(local.behind_doors["http"])
    error_message = "Callers that were named reach the HTTP functions, and no others."
  }
  assert {
    condition     = google_cloudfunctions2_function.this["cutout"].service_config[0].environment_variables["STUDIO_CAP_PREFIX_USD"] == "cutout/shoes/=2" && google_cloudfunctions2_function.this["cutout"].service_config[0].environment_variables["STUDIO_CAP_DAY_USD"] == "5"
    error_message = "Caps reach the functions as they read them."
  }
  assert {
    condition     = alltrue([for function in google_cloudfunctions2_function.this : function.build_config[0].source[0].storage_source[0].object == "functions/${var.release}.zip"])
    error_message = "A release that is named is what all functions are made of."
  }
  assert {
    condition     = google_billing_budget.this[0].amount[0].specified_amount[0].units == "50" && toset(google_billing_budget.this[0].all_updates_rule[0].monitoring_notification_channels) == toset([for channel in google_monitoring_notification_channel.email : channel.id])
    error_message = "The budget tells those who are to be told."
  }
}

run "embedded_alone" {
  variables {
    engine          = "embedded"
    delete_pictures = true
  }

  assert {
    condition     = alltrue([for bucket in google_storage_bucket.this : bucket.force_destroy])
    error_message = "Who says so can tear down everything."
  }

  assert {
    condition     = length(google_project_iam_member.asks_models) == 0 && !contains(keys(google_project_service.this), "aiplatform.googleapis.com")
    error_message = "Where no model is asked, nobody may ask one."
  }
}
