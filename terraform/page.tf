# The web page, only with the gateway: a function of its own, from a zip of its own (web/ and
# page/main.py), with an account that may do nothing.

locals {
  page_name = "${var.name}-page"
}

resource "google_storage_bucket_object" "page" {
  count           = local.has_gateway ? 1 : 0
  name            = "page/${filesha256(var.page_package)}.zip"
  bucket          = google_storage_bucket.this["source"].name
  source          = var.page_package
  content_type    = "application/zip"
  deletion_policy = "ABANDON"

  lifecycle {
    precondition {
      condition     = fileexists(var.page_package)
      error_message = "There is no zip of the page. Run make package first."
    }
  }
}

resource "google_service_account" "page" {
  count        = local.has_gateway ? 1 : 0
  account_id   = local.page_name
  display_name = "Serves the page of ${var.name}"
  depends_on   = [google_project_service.this]
}

resource "google_cloudfunctions2_function" "page" {
  count        = local.has_gateway ? 1 : 0
  name         = local.page_name
  location     = var.region
  description  = "The web page: files, and nothing else."
  kms_key_name = var.kms_key
  labels       = local.labels

  build_config {
    runtime           = "python312"
    entry_point       = "page"
    service_account   = google_service_account.build.id
    docker_repository = google_artifact_registry_repository.images.id

    source {
      storage_source {
        bucket = google_storage_bucket_object.page[0].bucket
        object = google_storage_bucket_object.page[0].name
      }
    }
  }

  service_config {
    service_account_email            = google_service_account.page[0].email
    ingress_settings                 = "ALLOW_INTERNAL_AND_GCLB"
    available_cpu                    = "1"
    available_memory                 = "256Mi"
    timeout_seconds                  = 30
    max_instance_request_concurrency = 40
    max_instance_count               = 2
    min_instance_count               = 0
    all_traffic_on_latest_revision   = true
    environment_variables            = { THREADS = "40", LOG_EXECUTION_ID = "true" }
  }

  depends_on = [
    google_artifact_registry_repository_iam_member.build,
    google_kms_crypto_key_iam_member.agent,
    google_project_iam_member.build_logs,
    google_project_iam_member.build_source,
  ]
}

resource "google_cloud_run_v2_service_iam_member" "page" {
  count    = local.has_gateway ? 1 : 0
  name     = google_cloudfunctions2_function.page[0].name
  location = var.region
  role     = "roles/run.invoker"
  member   = "serviceAccount:service-${local.number}@gcp-sa-iap.iam.gserviceaccount.com"
}
