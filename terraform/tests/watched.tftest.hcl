# What is watched, and that somebody is told.

mock_provider "google" {
  mock_data "google_project" {
    defaults = { number = "123456789012" }
  }
}

variables {
  project_id   = "shop-studio"
  package      = "tests/any.zip"
  page_package = "tests/any.zip"
  alert_emails = ["ops@example.com"]
  caps         = { day_usd = 50 }
}

run "alerts" {
  assert {
    condition = alltrue([for policy in [
      google_monitoring_alert_policy.dead_letters, google_monitoring_alert_policy.errors, google_monitoring_alert_policy.spend,
      google_monitoring_alert_policy.quota, google_monitoring_alert_policy.sweep,
    ] : policy.notification_channels == tolist([google_monitoring_notification_channel.email["ops@example.com"].id])])
    error_message = "Every alert reaches those who are to be told."
  }
  assert {
    condition     = alltrue([for name, _ in local.folders : strcontains(google_monitoring_alert_policy.dead_letters.conditions[0].condition_threshold[0].filter, "\"${google_pubsub_subscription.dropped[name].name}\"")])
    error_message = "Every queue is watched for dead letters."
  }
  assert {
    condition     = endswith(google_monitoring_alert_policy.spend.conditions[0].condition_prometheus_query_language[0].query, "> 40")
    error_message = "At four fifths of the cap somebody is told."
  }
  assert {
    condition     = strcontains(google_monitoring_alert_policy.errors.conditions[0].condition_threshold[0].filter, "\"studio-cutout\"") && !strcontains(google_monitoring_alert_policy.errors.conditions[0].condition_threshold[0].filter, "dropped")
    error_message = "Errors are those of HTTP: pictures that are tried again later are none."
  }
  assert {
    condition     = alltrue([for metric in google_logging_metric.this : strcontains(metric.filter, "resource.labels.service_name=~\"^studio-\"")])
    error_message = "Only our own lines are counted."
  }
  assert {
    condition     = google_logging_metric.this["dollars"].value_extractor == "EXTRACT(jsonPayload.cost.dollars)" && google_logging_metric.this["dollars"].metric_descriptor[0].value_type == "DISTRIBUTION" && google_logging_metric.this["assets"].value_extractor == null
    error_message = "Dollars are measured, results are counted."
  }
  assert {
    condition     = length(jsondecode(google_monitoring_dashboard.this.dashboard_json).mosaicLayout.tiles) == 12
    error_message = "The dashboard has twelve charts."
  }
}
