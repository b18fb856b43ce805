# Five kinds of bucket.  Users alone write input; work expires; output keeps earlier versions; source
# holds the functions' zips.  All are private to the point that nobody can make them public.

data "google_storage_project_service_account" "this" {
  depends_on = [google_project_service.this]
}

locals {
  day = 86400

  buckets = {
    input = {
      versioned = false
      # Null keeps inputs for ever: they are the users' own.
      rules = var.keep.inputs == null ? [] : [{ action = "Delete", age = var.keep.inputs }]
    }
    work = {
      versioned = false
      # The sweep deletes what it knows to be done with (after 1 to 40 days).  What it has missed goes
      # here; the lines of a manifest that was never folded stay, since nothing else tells of them.
      rules = [
        { action = "Delete", age = 45, prefixes = ["batch/", "claims/", "notices/", "renders/", "replies/"] },
        { action = "Delete", age = 400, prefixes = ["spend/"] }, # a year's accounts
      ]
    }
    output = {
      versioned = true
      rules     = [{ action = "Delete", noncurrent_days = var.keep.versions }]
    }
    source = {
      versioned = true
      rules     = [{ action = "Delete", noncurrent_days = var.keep.zips }]
    }
  }
}

resource "google_storage_bucket" "this" {
  # checkov:skip=CKV_GCP_62: access logs into another bucket would cost more than the pictures; Cloud Audit Logs tell who read what where they are switched on
  # checkov:skip=CKV_GCP_78: input and work keep no versions on purpose: an input is written once, and work is what can be made again; soft delete covers accidents
  for_each = local.buckets

  name                        = "${var.project_id}-${var.name}-${each.key}"
  location                    = var.region
  labels                      = local.labels
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = contains(["work", "source"], each.key) || var.delete_pictures

  soft_delete_policy {
    retention_duration_seconds = (each.key == "work" ? 7 : var.keep.deleted) * local.day
  }

  versioning {
    enabled = each.value.versioned
  }

  dynamic "lifecycle_rule" {
    for_each = each.value.rules
    content {
      action {
        type = lifecycle_rule.value.action
      }
      condition {
        age                        = try(lifecycle_rule.value.age, null)
        matches_prefix             = try(lifecycle_rule.value.prefixes, null)
        days_since_noncurrent_time = try(lifecycle_rule.value.noncurrent_days, null)
        with_state                 = can(lifecycle_rule.value.noncurrent_days) ? "ARCHIVED" : "ANY"
      }
    }
  }

  # An upload that was never finished is paid for as long as it lies there.
  lifecycle_rule {
    action {
      type = "AbortIncompleteMultipartUpload"
    }
    condition {
      age = 7
    }
  }

  dynamic "cors" {
    for_each = each.key == "input" && length(var.upload_origins) > 0 ? [1] : []
    content {
      origin          = sort(var.upload_origins)
      method          = ["PUT", "POST"]
      response_header = ["Content-Type", "x-goog-content-length-range", "x-goog-meta-params"]
      max_age_seconds = 3600
    }
  }

  dynamic "encryption" {
    for_each = var.kms_key == null ? [] : [1]
    content {
      default_kms_key_name = var.kms_key
    }
  }

  depends_on = [google_project_service.this, google_kms_crypto_key_iam_member.agent]
}
