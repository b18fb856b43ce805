# The settings (common/settings.py) that each function gets: those of all, and those of its needs.
# A variable that is empty or null is not set; tests/deploy/test_map.py compares the names with the code.

locals {
  settings_of_all = {
    GOOGLE_CLOUD_PROJECT  = var.project_id
    STUDIO_ENGINE         = var.engine
    STUDIO_MAX_BYTES      = var.limits.max_bytes
    STUDIO_MAX_MEGAPIXELS = var.limits.max_megapixels
    LOG_EXECUTION_ID      = "true" # the platform sets it if we do not, and every plan would show it
  }

  settings_of_need = {
    input  = { STUDIO_INPUT_BUCKET = "gs://${google_storage_bucket.this["input"].name}" }
    work   = { STUDIO_WORK_BUCKET = "gs://${google_storage_bucket.this["work"].name}" }
    output = { STUDIO_OUTPUT_BUCKET = "gs://${google_storage_bucket.this["output"].name}" }
    models = {
      STUDIO_VERTEX_PROJECT  = local.uses_vertex ? var.project_id : null
      GOOGLE_CLOUD_LOCATION  = local.uses_vertex ? var.vertex_location : null
      STUDIO_IMAGE_MODEL     = var.models.image
      STUDIO_FAST_MODEL      = var.models.fast
      STUDIO_PRO_MODEL       = var.models.pro
      STUDIO_TEXT_MODEL      = var.models.text
      STUDIO_IMAGE_SIZE      = var.models.size
      STUDIO_MODEL_SECONDS   = var.models.seconds
      STUDIO_CAP_DAY_USD     = var.caps.day_usd
      STUDIO_CAP_REQUEST_USD = var.caps.request_usd
      STUDIO_CAP_PREFIX_USD  = join(" ", [for prefix, usd in var.caps.prefixes_usd : "${prefix}=${usd}"])
    }

    addresses = { STUDIO_ALLOWED_BUCKETS = join(" ", sort(var.allowed_buckets)) }
    notices   = {} # its secret comes by secrets.tf
    signs     = {}
    uploads = {
      STUDIO_INPUT_BUCKET   = "gs://${google_storage_bucket.this["input"].name}"
      STUDIO_UPLOAD_ACCOUNT = google_service_account.uploader.email
    }
  }

  settings_of_door = {
    http = {
      STUDIO_ACCESS          = var.gateway == null ? "iam" : "iap"
      STUDIO_ALLOWED_ORIGINS = join(" ", sort(var.allowed_origins))
    }
    keys = {
      STUDIO_ACCESS          = "keys" # the keys come by secrets.tf
      STUDIO_ALLOWED_ORIGINS = join(" ", sort(var.allowed_origins))
    }
    bucket = {}
    clock  = {}
  }

  settings_of_one = merge(
    {
      sweep = {
        STUDIO_SWEEP_SECONDS = var.sweep.seconds
        STUDIO_SWEEP_INPUTS  = var.sweep.inputs
      }
    },
    # What Identity-Aware Proxy vouches for, it vouches for to one backend.
    { for name, backend in google_compute_backend_service.function : name => { STUDIO_IAP_AUDIENCE = "/projects/${local.number}/global/backendServices/${backend.generated_id}" } if try(local.deployed[name].door == "http", false) },
  )

  # One instance's share of what the model and the machine allow; see sizes.tf.
  settings_of_size = {
    for size, of in local.sizes : size => {
      THREADS                  = of.concurrency # the server's own, one a request
      STUDIO_REQUESTS_TOGETHER = of.concurrency
      STUDIO_BODY_SECONDS      = var.limits.body_seconds
      STUDIO_MODEL_CALLS       = of.concurrency
      STUDIO_IMAGES_A_MINUTE   = of.images_a_minute
    }
  }

  environment = {
    for name, function in local.deployed : name => {
      for variable, value in merge(concat(
        [local.settings_of_all, local.settings_of_size[function.size], local.settings_of_door[function.door]],
        [for need in function.needs : local.settings_of_need[need]],
        [lookup(local.settings_of_one, name, {})],
      )...) : variable => tostring(value) if value != null && value != ""
    }
  }
}
