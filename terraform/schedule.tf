# The clock: an event may get lost, an instance may die; the sweep runs what has no result.

resource "google_service_account" "clock" {
  account_id   = "${var.name}-clock"
  display_name = "Cloud Scheduler calls the sweep as this account"
  depends_on   = [google_project_service.this]
}

resource "google_cloud_run_v2_service_iam_member" "clock" {
  for_each = local.behind_doors["clock"]
  name     = google_cloudfunctions2_function.this[each.key].name
  location = var.region
  role     = "roles/run.invoker"
  member   = google_service_account.clock.member
}

resource "google_cloud_scheduler_job" "clock" {
  for_each         = local.behind_doors["clock"]
  name             = local.function_names[each.key]
  description      = "Runs what has no result, deletes what has had its time."
  region           = var.region
  schedule         = var.sweep.schedule
  time_zone        = "Etc/UTC"
  attempt_deadline = "${local.sizes[each.value.size].timeout}s"

  retry_config {
    retry_count = 0 # the next one comes soon enough
  }

  http_target {
    http_method = "POST"
    uri         = google_cloudfunctions2_function.this[each.key].service_config[0].uri

    oidc_token {
      service_account_email = google_service_account.clock.email
      audience              = google_cloudfunctions2_function.this[each.key].service_config[0].uri
    }
  }

  depends_on = [google_cloud_run_v2_service_iam_member.clock]
}
