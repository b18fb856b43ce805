# What the variables refuse.  Every line of a run has to be refused, or the run fails.

mock_provider "google" {}

variables {
  project_id   = "shop-studio"
  package      = "tests/any.zip"
  page_package = "tests/any.zip"
}

run "everybody" {
  command = plan

  variables {
    sizes           = { cutout = { cpu = 1, memory_mib = 2048, timeout = 60, concurrency = 1 } } # and nothing of the others
    invokers        = ["allUsers"]
    uploaders       = ["allUsers"]
    readers         = ["allUsers"]
    upload_origins  = ["*"]
    allowed_origins = ["*"]
    gateway         = { domain = "studio.example.com", people = ["allUsers"] }
  }

  expect_failures = [
    var.sizes,
    var.invokers,
    var.uploaders,
    var.readers,
    var.upload_origins,
    var.allowed_origins,
    var.gateway,
  ]
}

run "everybody_with_an_account" {
  command = plan

  variables {
    sizes = {
      detect   = { cpu = 1, memory_mib = 2048, timeout = 300, concurrency = 2 }
      cutout   = { cpu = 1, memory_mib = 2048, timeout = 300, concurrency = 2 }
      erase    = { cpu = 1, memory_mib = 8192, timeout = 300, concurrency = 2 }
      expand   = { cpu = 1, memory_mib = 2048, timeout = 300, concurrency = 2 }
      pipeline = { cpu = 1, memory_mib = 2048, timeout = 300, concurrency = 2 }
      check    = { cpu = 1, memory_mib = 2048, timeout = 300, concurrency = 2 }
      sweep    = { cpu = 1, memory_mib = 2048, timeout = 300, concurrency = 2 }
      light    = { cpu = 1, memory_mib = 2048, timeout = 300, concurrency = 2 }
    }
    invokers  = ["allAuthenticatedUsers"]
    uploaders = ["allAuthenticatedUsers"]
    readers   = ["allAuthenticatedUsers"]
    gateway   = { domain = "studio.example.com", people = ["allAuthenticatedUsers"] }
  }

  expect_failures = [
    var.sizes,
    var.invokers,
    var.uploaders,
    var.readers,
    var.gateway,
  ]
}

run "secrets_in_the_open" {
  command = plan

  variables {
    sizes = {
      detect   = { cpu = 1, memory_mib = 2048, timeout = 300, concurrency = 2 }
      cutout   = { cpu = 1, memory_mib = 2048, timeout = 300, concurrency = 2 }
      erase    = { cpu = 1, memory_mib = 2048, timeout = 900, concurrency = 2 }
      expand   = { cpu = 1, memory_mib = 2048, timeout = 300, concurrency = 2 }
      pipeline = { cpu = 1, memory_mib = 2048, timeout = 300, concurrency = 2 }
      check    = { cpu = 1, memory_mib = 2048, timeout = 300, concurrency = 2 }
      sweep    = { cpu = 1, memory_mib = 2048, timeout = 300, concurrency = 2 }
      light    = { cpu = 1, memory_mib = 2048, timeout = 300, concurrency = 2 }
    }
    gemini_api_key = { secret = "AIza.../key", version = "1" }
    webhook_secret = { secret = "whsec_c2VjcmV0+/=", version = "1" }
    api_keys       = { secret = "[{}]", version = "1" }
    invokers       = ["domain:example.com"]
    uploaders      = ["domain:example.com"]
    readers        = ["domain:example.com"]
  }

  expect_failures = [
    var.sizes,
    var.gemini_api_key,
    var.webhook_secret,
    var.api_keys,
    var.invokers,
    var.uploaders,
    var.readers,
  ]
}

run "versions_that_move" {
  command = plan

  variables {
    sizes = {
      detect   = { cpu = 1, memory_mib = 2048, timeout = 300, concurrency = 2 }
      cutout   = { cpu = 1, memory_mib = 2048, timeout = 300, concurrency = 2 }
      erase    = { cpu = 1, memory_mib = 2048, timeout = 300, concurrency = 0 }
      expand   = { cpu = 1, memory_mib = 2048, timeout = 300, concurrency = 2 }
      pipeline = { cpu = 1, memory_mib = 2048, timeout = 300, concurrency = 2 }
      check    = { cpu = 1, memory_mib = 2048, timeout = 300, concurrency = 2 }
      sweep    = { cpu = 1, memory_mib = 2048, timeout = 300, concurrency = 2 }
      light    = { cpu = 1, memory_mib = 2048, timeout = 300, concurrency = 2 }
    }
    page_package   = "tests/any"
    gemini_api_key = { secret = "gemini", version = "latest" }
    webhook_secret = { secret = "webhook", version = "latest" }
    api_keys       = { secret = "keys", version = "latest" }
  }

  expect_failures = [
    var.sizes,
    var.page_package,
    var.gemini_api_key,
    var.webhook_secret,
    var.api_keys,
  ]
}

run "names_that_are_none" {
  command = plan

  variables {
    sizes = {
      detect   = { cpu = 1, memory_mib = 2048, timeout = 300, concurrency = 2 }
      cutout   = { cpu = 1, memory_mib = 2048, timeout = 300, concurrency = 2 }
      erase    = { cpu = 3, memory_mib = 2048, timeout = 300, concurrency = 2 }
      expand   = { cpu = 1, memory_mib = 2048, timeout = 300, concurrency = 2 }
      pipeline = { cpu = 1, memory_mib = 2048, timeout = 300, concurrency = 2 }
      check    = { cpu = 1, memory_mib = 2048, timeout = 300, concurrency = 2 }
      sweep    = { cpu = 1, memory_mib = 2048, timeout = 300, concurrency = 2 }
      light    = { cpu = 1, memory_mib = 2048, timeout = 300, concurrency = 2 }
    }
    project_id      = "Shop"
    name            = "visual-asset-studio" # no room left in an account's 30 characters
    labels          = { Team = "Shop" }
    package         = "tests/none.zip"
    release         = "v1.2.3"
    allowed_buckets = ["gs://photos"]
    engine          = "magic"
    vertex_location = "moon"
    alert_emails    = ["ops"]
    kms_key         = "studio"
    budget          = { billing_account = "mine", monthly_usd = 50 }
    gateway         = { domain = "studio", people = [] }
  }

  expect_failures = [
    var.sizes,
    var.project_id,
    var.name,
    var.labels,
    var.package,
    var.release,
    var.allowed_buckets,
    var.engine,
    var.vertex_location,
    var.alert_emails,
    var.kms_key,
    var.budget,
    var.gateway,
  ]
}

run "numbers_that_make_no_sense" {
  command = plan

  variables {
    model_seconds_a_picture = 0
    model_pictures_a_minute = 0
    limits                  = { max_megapixels = 400 }
    models                  = { seconds = 400 } # longer than its function
    caps                    = { day_usd = 0 }
    keep                    = { inputs = 0 }
    sweep                   = { seconds = 3000 }
    alert_above             = { cap_share = 2 }
    budget                  = { billing_account = "012345-6789AB-CDEF01", monthly_usd = 0.5 }
    gateway                 = { domain = "studio.example.com", people = [], allowed_networks = ["office"] }
  }

  expect_failures = [
    var.model_seconds_a_picture,
    var.model_pictures_a_minute,
    var.limits,
    var.models,
    var.caps,
    var.keep,
    var.sweep,
    var.alert_above,
    var.budget,
    var.gateway,
  ]
}

run "more_of_the_same" {
  command = plan

  variables {
    region  = "us-central1-a"
    package = "versions.tf"
    models  = { size = "1k" } # which the model would take for 512 pixels
    caps    = { request_usd = 5, day_usd = 1 }
    keep    = { deleted = 0 } # soft delete switched off
    sweep   = { schedule = "hourly" }
    gateway = { domain = "studio.example.com", people = [], machine_domain = "api.example.com" } # and no keys
  }

  expect_failures = [
    var.region,
    var.package,
    var.models,
    var.caps,
    var.keep,
    var.sweep,
    var.gateway,
  ]
}

run "what_is_at_odds" {
  command = plan

  variables {
    api_keys = { secret = "keys", version = "1" }
    caps     = { prefixes_usd = { "my shoes/" = 5 } }
    keep     = { zips = 1 }                                                # no way back
    kms_key  = "projects/p/locations/europe-west1/keyRings/r/cryptoKeys/k" # of another region
    gateway  = { domain = "studio.example.com", people = [], machine_domain = "studio.example.com" }
  }

  expect_failures = [
    var.caps,
    var.keep,
    var.kms_key,
    var.gateway,
  ]
}

run "more_networks_than_a_rule_holds" {
  command = plan

  variables {
    gateway = { domain = "studio.example.com", people = [], allowed_networks = [for third in range(11) : "203.0.${third}.0/24"] }
  }

  expect_failures = [
    var.gateway,
  ]
}
