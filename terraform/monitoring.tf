# Metrics from the functions' own log lines (functions/_log.py: one JSON object for each picture), and
# alerts on what a person has to do something about.
#
# Alerts that look at these metrics are written in PromQL and are not validated when they are made:
# a metric that has never had a value does not exist yet for Cloud Monitoring.

locals {
  our_lines = "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=~\"^${var.name}-\""

  # name -> what is counted, what is measured (null: only counted), by which facts of the line
  log_metrics = {
    assets = {
      filter = "jsonPayload.operation:* AND jsonPayload.milliseconds>=0"
      value  = null
      unit   = "1"
      labels = { operation = "operation", engine = "engine", decision = "decision", code = "code" }
    }
    milliseconds = {
      filter = "jsonPayload.operation:* AND jsonPayload.milliseconds>=0"
      value  = "milliseconds"
      unit   = "ms"
      labels = { operation = "operation" }
    }
    dollars = {
      filter = "jsonPayload.cost.dollars>0"
      value  = "cost.dollars"
      unit   = "USD"
      labels = { operation = "operation" }
    }
    # What a request cost that failed without a report.
    dollars_lost = {
      filter = "jsonPayload.dollars>0 AND NOT jsonPayload.cost.dollars>0"
      value  = "dollars"
      unit   = "USD"
      labels = { operation = "operation" }
    }
    sweeps = {
      filter = "jsonPayload.sweep.looked>=0"
      value  = null
      unit   = "1"
      labels = {}
    }
  }

  # As PromQL writes them.
  metric = { for name, _ in local.log_metrics : name => "logging_googleapis_com:user_${replace(var.name, "-", "_")}_${name}" }
  only   = "monitored_resource=\"cloud_run_revision\""

  spent_today = join(" + ", [for name in ["dollars", "dollars_lost"] : "(sum(increase(${local.metric[name]}_sum{${local.only}}[1d])) or vector(0))"])

  http_services = [for door in ["http", "keys"] : [for name, _ in local.behind_doors[door] : local.function_names[name]]]
}

resource "google_logging_metric" "this" {
  for_each        = local.log_metrics
  name            = "${var.name}/${each.key}"
  description     = "From the functions' log lines; see monitoring.tf."
  filter          = "${local.our_lines} AND ${each.value.filter}"
  value_extractor = each.value.value == null ? null : "EXTRACT(jsonPayload.${each.value.value})"

  label_extractors = { for label, fact in each.value.labels : label => "EXTRACT(jsonPayload.${fact})" }

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = each.value.value == null ? "INT64" : "DISTRIBUTION"
    unit        = each.value.unit

    dynamic "labels" {
      for_each = each.value.labels
      content {
        key        = labels.key
        value_type = "STRING"
      }
    }
  }

  dynamic "bucket_options" {
    for_each = each.value.value == null ? [] : [1]
    content {
      # From a hundredth of a cent, or of a millisecond, in steps of a half up to a hundred thousand.
      exponential_buckets {
        num_finite_buckets = 52
        growth_factor      = 1.5
        scale              = 0.0001
      }
    }
  }

  depends_on = [google_project_service.this]
}

# --- alerts ---------------------------------------------------------------------------------------

resource "google_monitoring_notification_channel" "email" {
  for_each     = var.alert_emails
  display_name = "${var.name}: ${each.value}"
  type         = "email"
  labels       = { email_address = each.value }
  depends_on   = [google_project_service.this]
}

locals {
  channels  = [for channel in google_monitoring_notification_channel.email : channel.id]
  pushed    = join(", ", [for name, _ in local.folders : "\"${local.function_names[name]}\""])
  serves    = join(", ", [for service in flatten(local.http_services) : "\"${service}\""])
  operators = "docs/operations.md tells what to do."
}

resource "google_monitoring_alert_policy" "dead_letters" {
  display_name          = "${var.name}: pictures that were given up, or wait for long"
  combiner              = "OR"
  severity              = "ERROR"
  notification_channels = local.channels

  conditions {
    display_name = "A picture became a dead letter"
    condition_threshold {
      filter          = "resource.type = \"pubsub_subscription\" AND metric.type = \"pubsub.googleapis.com/subscription/dead_letter_message_count\" AND resource.labels.subscription_id = one_of(${local.pushed})"
      comparison      = "COMPARISON_GT"
      threshold_value = 0
      duration        = "0s"
      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }

  conditions {
    display_name = "A picture has waited for an hour"
    condition_threshold {
      filter          = "resource.type = \"pubsub_subscription\" AND metric.type = \"pubsub.googleapis.com/subscription/oldest_unacked_message_age\" AND resource.labels.subscription_id = one_of(${local.pushed})"
      comparison      = "COMPARISON_GT"
      threshold_value = 3600
      duration        = "300s"
      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = "ALIGN_MAX"
        cross_series_reducer = "REDUCE_MAX"
      }
    }
  }

  documentation {
    content = "Each has a failed result in the output bucket that says why. \"Replay dead letters\" in ${local.operators}"
  }

  depends_on = [google_project_service.this]
}

# Of HTTP alone: a function of dropped pictures answers 500 on purpose, to be asked again later.
resource "google_monitoring_alert_policy" "errors" {
  display_name          = "${var.name}: requests fail"
  combiner              = "OR"
  severity              = "ERROR"
  notification_channels = local.channels

  conditions {
    display_name = "More than ${var.alert_above.error_ratio * 100} % of requests end in 5xx"
    condition_threshold {
      filter             = "resource.type = \"cloud_run_revision\" AND metric.type = \"run.googleapis.com/request_count\" AND resource.labels.service_name = one_of(${local.serves}) AND metric.labels.response_code_class = \"5xx\""
      denominator_filter = "resource.type = \"cloud_run_revision\" AND metric.type = \"run.googleapis.com/request_count\" AND resource.labels.service_name = one_of(${local.serves})"
      comparison         = "COMPARISON_GT"
      threshold_value    = var.alert_above.error_ratio
      duration           = "300s"
      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = "ALIGN_SUM"
        cross_series_reducer = "REDUCE_SUM"
      }
      denominator_aggregations {
        alignment_period     = "300s"
        per_series_aligner   = "ALIGN_SUM"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }

  documentation {
    content = "The log lines of severity ERROR say which code and request. ${local.operators}"
  }

  depends_on = [google_project_service.this]
}

resource "google_monitoring_alert_policy" "spend" {
  display_name          = "${var.name}: money"
  combiner              = "OR"
  severity              = "WARNING"
  notification_channels = local.channels

  conditions {
    display_name = "${var.alert_above.cap_share * 100} % of the day's cap are spent"
    condition_prometheus_query_language {
      query                     = "(${local.spent_today}) > ${var.alert_above.cap_share * var.caps.day_usd}"
      duration                  = "0s"
      evaluation_interval       = "300s"
      disable_metric_validation = true
    }
  }

  conditions {
    display_name = "A cap refuses pictures"
    condition_prometheus_query_language {
      query                     = "sum(increase(${local.metric["assets"]}{${local.only}, code=\"cap-reached\"}[10m])) > 0"
      duration                  = "0s"
      evaluation_interval       = "300s"
      disable_metric_validation = true
    }
  }

  documentation {
    content = "Nothing is spent beyond the cap. \"Raise a cap\" in ${local.operators}"
  }

  depends_on = [google_logging_metric.this]
}

resource "google_monitoring_alert_policy" "quota" {
  display_name          = "${var.name}: the model has no quota left"
  combiner              = "OR"
  severity              = "WARNING"
  notification_channels = local.channels

  conditions {
    display_name = "The model refused more than ${var.alert_above.quota} times in ten minutes"
    condition_prometheus_query_language {
      query                     = "sum(increase(${local.metric["assets"]}{${local.only}, code=~\"model-busy|model-quota-exhausted\"}[10m])) > ${var.alert_above.quota}"
      duration                  = "0s"
      evaluation_interval       = "300s"
      disable_metric_validation = true
    }
  }

  documentation {
    content = "Dropped pictures wait and are tried again; nothing is lost. docs/sizing.md tells what quota a load needs."
  }

  depends_on = [google_logging_metric.this]
}

resource "google_monitoring_alert_policy" "sweep" {
  display_name          = "${var.name}: the sweep is silent"
  combiner              = "OR"
  severity              = "WARNING"
  notification_channels = local.channels

  conditions {
    display_name = "No sweep for a day"
    condition_prometheus_query_language {
      query                     = "absent_over_time(${local.metric["sweeps"]}{${local.only}}[1d])"
      duration                  = "7200s" # after the first apply there has been none, for a while
      evaluation_interval       = "300s"
      disable_metric_validation = true
    }
  }

  documentation {
    content = "Pictures whose events got lost stay without a result. Look at the scheduler's job and at the sweep's log. ${local.operators}"
  }

  depends_on = [google_logging_metric.this]
}
