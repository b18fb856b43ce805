# One page that answers: is it working, what comes in, what does it cost, what is stuck.

locals {
  services_of = "service_name=~\"${var.name}-.*\""
  queues_of   = "subscription_id=~\"${var.name}-.*\""

  charts = [
    { title = "Results a minute, by operation", unit = "1", query = "sum by (operation) (rate(${local.metric["assets"]}{${local.only}}[5m])) * 60" },
    { title = "Failures in an hour, by code", unit = "1", query = "sum by (code) (increase(${local.metric["assets"]}{${local.only}, code!=\"\"}[1h]))" },
    { title = "Dollars in the last 24 hours (cap: ${var.caps.day_usd})", unit = "USD", query = local.spent_today },
    { title = "Dollars an hour, by operation", unit = "USD", query = "sum by (operation) (increase(${local.metric["dollars"]}_sum{${local.only}}[1h]))" },
    { title = "Milliseconds, 95th percentile", unit = "ms", query = "histogram_quantile(0.95, sum by (operation, le) (rate(${local.metric["milliseconds"]}_bucket{${local.only}}[10m])))" },
    { title = "Decisions in an hour", unit = "1", query = "sum by (decision) (increase(${local.metric["assets"]}{${local.only}, decision!=\"\"}[1h]))" },
    { title = "Pictures that wait", unit = "1", query = "sum by (subscription_id) (pubsub_googleapis_com:subscription_num_undelivered_messages{monitored_resource=\"pubsub_subscription\", ${local.queues_of}})" },
    { title = "Longest wait, seconds", unit = "s", query = "max by (subscription_id) (pubsub_googleapis_com:subscription_oldest_unacked_message_age{monitored_resource=\"pubsub_subscription\", ${local.queues_of}})" },
    { title = "Dead letters in an hour", unit = "1", query = "sum by (subscription_id) (increase(pubsub_googleapis_com:subscription_dead_letter_message_count{monitored_resource=\"pubsub_subscription\", ${local.queues_of}}[1h]))" },
    { title = "Requests a second, by answer", unit = "1", query = "sum by (response_code_class) (rate(run_googleapis_com:request_count{${local.only}, ${local.services_of}}[5m]))" },
    { title = "Instances", unit = "1", query = "sum by (service_name) (run_googleapis_com:container_instance_count{${local.only}, ${local.services_of}})" },
    { title = "Memory in use, 99th percentile of instances", unit = "1", query = "histogram_quantile(0.99, sum by (service_name, le) (rate(run_googleapis_com:container_memory_utilizations_bucket{${local.only}, ${local.services_of}}[10m])))" },
  ]
}

resource "google_monitoring_dashboard" "this" {
  dashboard_json = jsonencode({
    displayName = var.name
    mosaicLayout = {
      columns = 48
      tiles = [
        for place, chart in local.charts : {
          xPos   = (place % 2) * 24
          yPos   = floor(place / 2) * 16
          width  = 24
          height = 16
          widget = {
            title = chart.title
            xyChart = {
              dataSets = [{
                plotType           = "LINE"
                timeSeriesQuery    = { prometheusQuery = chart.query, unitOverride = chart.unit }
                legendTemplate     = ""
                minAlignmentPeriod = "60s"
              }]
            }
          }
        }
      ]
    }
  })

  depends_on = [google_logging_metric.this]
}
