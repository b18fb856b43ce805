# Cloud Build's three triggers, if a repository is connected: pull requests are checked, the main branch
# is checked and planned, and a plan is applied once somebody has approved it.
#
# The deployer's account is made by hand (docs/operations.md lists its roles): an account that this
# module gave its own rights to could give itself any.

variable "delivery" {
  description = "Repository connected to Cloud Build (projects/.../repositories/NAME), branch, account that plans and applies, and bucket of the state. Null makes no triggers."
  type = object({
    repository   = string
    branch       = optional(string, "main")
    deployer     = string
    state_bucket = string
  })
  default = null

  validation {
    condition     = var.delivery == null || can(regex("^projects/[^/]+/locations/[^/]+/connections/[^/]+/repositories/[^/]+$", var.delivery.repository))
    error_message = "delivery.repository is written projects/PROJECT/locations/REGION/connections/NAME/repositories/NAME."
  }
  validation {
    condition     = var.delivery == null || can(regex("^[^@\\s]+@[^@\\s]+\\.iam\\.gserviceaccount\\.com$", var.delivery.deployer))
    error_message = "delivery.deployer is the e-mail of a service account."
  }
}

locals {
  delivers = var.delivery != null
  deployer = local.delivers ? "projects/${var.project_id}/serviceAccounts/${var.delivery.deployer}" : null
}

# Whoever opens a pull request decides what this account runs; so it may write logs, and nothing else.
resource "google_service_account" "checker" {
  count        = local.delivers ? 1 : 0
  account_id   = "${var.name}-checker"
  display_name = "Checks pull requests"
  depends_on   = [google_project_service.this]
}

resource "google_project_iam_member" "checker_logs" {
  count   = local.delivers ? 1 : 0
  project = var.project_id
  role    = "roles/logging.logWriter"
  member  = google_service_account.checker[0].member
}

resource "google_cloudbuild_trigger" "pull_request" {
  count           = local.delivers ? 1 : 0
  name            = "${var.name}-pull-request"
  description     = "Checks a pull request, with no right to anything."
  location        = var.region
  filename        = "cloudbuild.yaml"
  service_account = google_service_account.checker[0].id
  substitutions   = { _DEPLOY = "no" }

  repository_event_config {
    repository = var.delivery.repository
    pull_request {
      branch          = "^${var.delivery.branch}$"
      comment_control = "COMMENTS_ENABLED_FOR_EXTERNAL_CONTRIBUTORS_ONLY" # a stranger's waits for a word of ours
    }
  }
}

resource "google_cloudbuild_trigger" "plan" {
  count           = local.delivers ? 1 : 0
  name            = "${var.name}-plan"
  description     = "Checks the branch, plans, and asks for an approval."
  location        = var.region
  filename        = "cloudbuild.yaml"
  service_account = local.deployer

  substitutions = {
    _DEPLOY        = "yes"
    _STATE_BUCKET  = var.delivery.state_bucket
    _REGION        = var.region
    _APPLY_TRIGGER = "${var.name}-apply"
  }

  repository_event_config {
    repository = var.delivery.repository
    push {
      branch = "^${var.delivery.branch}$"
    }
  }

  depends_on = [google_project_service.this]
}

resource "google_cloudbuild_trigger" "apply" {
  count           = local.delivers ? 1 : 0
  name            = "${var.name}-apply"
  description     = "Applies a plan, after an approval."
  location        = var.region
  service_account = local.deployer

  approval_config {
    approval_required = true
  }

  source_to_build {
    repository = var.delivery.repository
    ref        = "refs/heads/${var.delivery.branch}"
    repo_type  = "UNKNOWN"
  }

  git_file_source {
    path       = "cloudbuild-apply.yaml"
    repository = var.delivery.repository
    revision   = "refs/heads/${var.delivery.branch}"
    repo_type  = "UNKNOWN"
  }

  depends_on = [google_project_service.this]
}
