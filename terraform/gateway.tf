# The gateway, if one is wanted: an external Application Load Balancer, under one domain for people
# (Identity-Aware Proxy asks who they are) and under a second for machines (the function itself asks
# for a key).  Pub/Sub and Cloud Scheduler do not come this way.
#
# The page is served by a small function, not by a backend bucket: that would have to be readable by
# allUsers, and Identity-Aware Proxy cannot stand in front of a bucket.

locals {
  has_gateway     = var.gateway != null
  serves_machines = local.has_gateway && try(var.gateway.machine_domain, null) != null
  domains         = local.has_gateway ? compact([var.gateway.domain, var.gateway.machine_domain]) : []

  # Backends by the service they lead to: the functions behind the doors http and keys, and the page.
  backends = local.has_gateway ? merge(
    { for name, _ in merge(local.behind_doors["http"], local.behind_doors["keys"]) : name => local.function_names[name] },
    { page = local.page_name },
  ) : {}

  behind_iap = toset([for name, _ in local.backends : name if try(local.deployed[name].door, "http") == "http"])
}

resource "google_compute_global_address" "gateway" {
  count      = local.has_gateway ? 1 : 0
  name       = var.name
  depends_on = [google_project_service.this]
}

resource "google_compute_managed_ssl_certificate" "gateway" {
  count = local.has_gateway ? 1 : 0
  # A certificate cannot be changed; another set of domains is another certificate, made before the old one goes.
  name = "${var.name}-${substr(sha256(join(",", local.domains)), 0, 8)}"

  managed {
    domains = local.domains
  }

  lifecycle {
    create_before_destroy = true
  }

  depends_on = [google_project_service.this]
}

resource "google_compute_ssl_policy" "gateway" {
  count           = local.has_gateway ? 1 : 0
  name            = var.name
  profile         = "RESTRICTED"
  min_tls_version = "TLS_1_2"
  depends_on      = [google_project_service.this]
}

# --- what is in front of every backend ------------------------------------------------------------

resource "google_compute_security_policy" "gateway" {
  count       = local.has_gateway ? 1 : 0
  name        = var.name
  description = "Who may come at all, and how often."

  rule {
    action      = "throttle"
    priority    = 1000
    description = "So many requests a minute from one address"
    match {
      versioned_expr = "SRC_IPS_V1"
      config {
        src_ip_ranges = length(var.gateway.allowed_networks) > 0 ? var.gateway.allowed_networks : ["*"]
      }
    }
    rate_limit_options {
      conform_action = "allow"
      exceed_action  = "deny(429)"
      enforce_on_key = "IP"
      rate_limit_threshold {
        count        = var.gateway.requests_a_minute
        interval_sec = 60
      }
    }
  }

  # Log4Shell: the one known attack that a request's headers alone can carry into a log.
  rule {
    action      = "deny(403)"
    priority    = 500
    description = "CVE-2021-44228 and its kin"
    match {
      expr {
        expression = "evaluatePreconfiguredWaf('cve-canary')"
      }
    }
  }

  rule {
    action      = length(var.gateway.allowed_networks) > 0 ? "deny(403)" : "allow"
    priority    = 2147483647
    description = "Everybody else"
    match {
      versioned_expr = "SRC_IPS_V1"
      config {
        src_ip_ranges = ["*"]
      }
    }
  }

  depends_on = [google_project_service.this]
}

# The service is named, not referred to: the function has to know its backend (STUDIO_IAP_AUDIENCE), and
# the two would wait for each other.
resource "google_compute_region_network_endpoint_group" "function" {
  for_each              = local.backends
  name                  = each.value
  region                = var.region
  network_endpoint_type = "SERVERLESS"

  cloud_run {
    service = each.value
  }

  depends_on = [google_project_service.this]
}

resource "google_compute_backend_service" "function" {
  for_each              = local.backends
  name                  = each.value
  protocol              = "HTTPS"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  security_policy       = google_compute_security_policy.gateway[0].id

  backend {
    group = google_compute_region_network_endpoint_group.function[each.key].id
  }

  iap {
    enabled = contains(local.behind_iap, each.key)
  }

  log_config {
    enable      = true
    sample_rate = 1
  }
}

# --- people, and machines -------------------------------------------------------------------------

resource "google_iap_web_backend_service_iam_member" "people" {
  for_each = merge([
    for name in local.behind_iap : { for member in var.gateway.people : "${name} ${member}" => { backend = name, member = member } }
  ]...)

  web_backend_service = google_compute_backend_service.function[each.value.backend].name
  role                = "roles/iap.httpsResourceAccessor"
  member              = each.value.member
}

# Whom Identity-Aware Proxy has let through, its agent calls for.
resource "google_cloud_run_v2_service_iam_member" "iap" {
  for_each = local.has_gateway ? local.behind_doors["http"] : {}
  name     = google_cloudfunctions2_function.this[each.key].name
  location = var.region
  role     = "roles/run.invoker"
  member   = "serviceAccount:service-${local.number}@gcp-sa-iap.iam.gserviceaccount.com"
}

# The one place where Cloud Run lets everybody through, and only where machine_domain was asked for:
# it cannot check a key.  The load balancer is the only way in (ingress), and the function refuses
# whoever shows no key (STUDIO_ACCESS=keys).
resource "google_cloud_run_v2_service_iam_member" "keyed" {
  for_each = local.behind_doors["keys"]
  name     = google_cloudfunctions2_function.this[each.key].name
  location = var.region
  role     = "roles/run.invoker"
  member   = "allUsers"
}

# --- the way of a request -------------------------------------------------------------------------

resource "google_compute_url_map" "gateway" {
  count           = local.has_gateway ? 1 : 0
  name            = var.name
  default_service = google_compute_backend_service.function["page"].id

  host_rule {
    hosts        = [var.gateway.domain]
    path_matcher = "people"
  }

  path_matcher {
    name            = "people"
    default_service = google_compute_backend_service.function["page"].id

    dynamic "path_rule" {
      for_each = local.behind_doors["http"]
      content {
        paths   = path_rule.value.paths
        service = google_compute_backend_service.function[path_rule.key].id
      }
    }
  }

  dynamic "host_rule" {
    for_each = local.serves_machines ? [1] : []
    content {
      hosts        = [var.gateway.machine_domain]
      path_matcher = "machines"
    }
  }

  dynamic "path_matcher" {
    for_each = local.serves_machines ? [1] : []
    content {
      name            = "machines"
      default_service = google_compute_backend_service.function["page"].id # behind Identity-Aware Proxy

      dynamic "path_rule" {
        for_each = local.behind_doors["keys"]
        content {
          paths   = path_rule.value.paths
          service = google_compute_backend_service.function[path_rule.key].id
        }
      }
    }
  }
}

resource "google_compute_target_https_proxy" "gateway" {
  count            = local.has_gateway ? 1 : 0
  name             = var.name
  url_map          = google_compute_url_map.gateway[0].id
  ssl_certificates = [google_compute_managed_ssl_certificate.gateway[0].id]
  ssl_policy       = google_compute_ssl_policy.gateway[0].id
}

resource "google_compute_global_forwarding_rule" "https" {
  count                 = local.has_gateway ? 1 : 0
  name                  = var.name
  load_balancing_scheme = "EXTERNAL_MANAGED"
  ip_address            = google_compute_global_address.gateway[0].id
  port_range            = "443"
  target                = google_compute_target_https_proxy.gateway[0].id
  labels                = local.labels
}
