# The functions: one line each.  A line's name is the entry point, the function of that name in
# functions/<name without _dropped>.py; tests/deploy/test_map.py compares this map with the files.
#
#   door    http: callers with an identity token; bucket: a dropped picture, through triggers.tf;
#           clock: the scheduler.
#   size    CPU, memory, concurrency and limits, by this name in sizes.tf.
#   paths   what the gateway sends to it (http only).
#   needs   input, work, output: those buckets, with the roles of identity.tf;
#           models: Vertex AI or the key; notices: the secret that signs them;
#           addresses: reading the buckets that image_uri may name;
#           signs: addresses for fetching; uploads: bringing pictures in, as the uploader.
#
# The settings a function gets follow from its needs; see environment.tf.

locals {
  functions = {
    detect           = { door = "http", size = "detect", paths = ["/v1/detect"], needs = ["work", "models", "addresses", "signs", "uploads"] }
    detect_dropped   = { door = "bucket", size = "detect", paths = [], needs = ["input", "work", "output", "models", "notices"] }
    cutout           = { door = "http", size = "cutout", paths = ["/v1/cutout"], needs = ["work", "models", "addresses", "signs", "uploads"] }
    cutout_dropped   = { door = "bucket", size = "cutout", paths = [], needs = ["input", "work", "output", "models", "notices"] }
    erase            = { door = "http", size = "erase", paths = ["/v1/erase"], needs = ["work", "models", "addresses", "signs", "uploads"] }
    erase_dropped    = { door = "bucket", size = "erase", paths = [], needs = ["input", "work", "output", "models", "notices"] }
    clean            = { door = "http", size = "erase", paths = ["/v1/clean"], needs = ["work", "models", "addresses", "signs", "uploads"] }
    clean_dropped    = { door = "bucket", size = "erase", paths = [], needs = ["input", "work", "output", "models", "notices"] }
    expand           = { door = "http", size = "expand", paths = ["/v1/expand"], needs = ["work", "models", "addresses", "signs", "uploads"] }
    expand_dropped   = { door = "bucket", size = "expand", paths = [], needs = ["input", "work", "output", "models", "notices"] }
    pipeline         = { door = "http", size = "pipeline", paths = ["/v1/pipeline"], needs = ["work", "models", "addresses", "signs", "uploads"] }
    pipeline_dropped = { door = "bucket", size = "pipeline", paths = [], needs = ["input", "work", "output", "models", "notices"] }
    check            = { door = "http", size = "check", paths = ["/v1/check"], needs = ["work", "models", "addresses", "signs", "uploads"] }
    check_dropped    = { door = "bucket", size = "check", paths = [], needs = ["input", "work", "output", "models", "notices"] }
    removebg         = { door = "http", size = "cutout", paths = ["/v1.0/removebg"], needs = ["work", "models"] }
    openapi          = { door = "http", size = "light", paths = ["/openapi.json", "/errors/*"], needs = [] }
    uploads          = { door = "http", size = "light", paths = ["/v1/uploads"], needs = ["input", "work", "output", "uploads"] }
    jobs             = { door = "http", size = "light", paths = ["/v1/jobs/*"], needs = ["input", "work", "output", "signs"] }
    sweep            = { door = "clock", size = "sweep", paths = [], needs = ["input", "work", "output", "models", "notices"] }
  }

  # What is deployed: each line, and where the gateway serves machines too, each http line once more
  # behind the door `keys`.  A process knows one way of admitting callers (STUDIO_ACCESS).
  deployed = merge(
    { for name, function in local.functions : name => merge(function, { entry_point = name }) },
    { for name, function in local.functions : "${name}_keyed" => merge(function, { entry_point = name, door = "keys" })
    if function.door == "http" && local.serves_machines },
  )

  function_names = { for name, _ in local.deployed : name => "${var.name}-${replace(name, "_", "-")}" }

  behind_doors = { for door in ["http", "keys", "bucket", "clock"] : door => { for name, function in local.deployed : name => function if function.door == door } }

  # Pub/Sub and Cloud Scheduler of the same project count as internal.  Callers from outside come by
  # the gateway where there is one, else straight, and never without an identity.
  ingress = {
    http   = var.gateway == null ? "ALLOW_ALL" : "ALLOW_INTERNAL_AND_GCLB"
    keys   = "ALLOW_INTERNAL_AND_GCLB"
    bucket = "ALLOW_INTERNAL_ONLY"
    clock  = "ALLOW_INTERNAL_ONLY"
  }
}

resource "google_cloudfunctions2_function" "this" {
  # checkov:skip=CKV_GCP_124: local.ingress says which; without a gateway callers with an identity token come from outside, and Cloud Run lets in only invokers
  for_each = local.deployed

  name         = local.function_names[each.key]
  location     = var.region
  description  = "${each.value.entry_point} of functions/${trimsuffix(each.value.entry_point, "_dropped")}.py"
  kms_key_name = var.kms_key
  labels       = local.labels

  build_config {
    runtime           = "python312"
    entry_point       = each.value.entry_point
    service_account   = google_service_account.build.id
    docker_repository = google_artifact_registry_repository.images.id

    source {
      storage_source {
        bucket = google_storage_bucket_object.zip.bucket
        object = local.zip_name
      }
    }
  }

  service_config {
    service_account_email            = google_service_account.function[each.key].email
    ingress_settings                 = local.ingress[each.value.door]
    available_cpu                    = tostring(local.sizes[each.value.size].cpu)
    available_memory                 = "${local.sizes[each.value.size].memory_mib}Mi"
    timeout_seconds                  = local.sizes[each.value.size].timeout
    max_instance_request_concurrency = local.sizes[each.value.size].concurrency
    max_instance_count               = local.sizes[each.value.size].max_instances
    min_instance_count               = 0 # nothing is always on
    all_traffic_on_latest_revision   = true
    environment_variables            = local.environment[each.key]

    dynamic "secret_environment_variables" {
      for_each = { for variable, secret in local.secrets : variable => secret if contains(concat(each.value.needs, [each.value.door]), secret.need) }
      content {
        key        = secret_environment_variables.key
        project_id = var.project_id
        secret     = secret_environment_variables.value.secret
        version    = secret_environment_variables.value.version
      }
    }
  }

  # An account without its rights would make the first calls fail; a key that may not be used, the build.
  depends_on = [
    google_artifact_registry_repository_iam_member.build,
    google_kms_crypto_key_iam_member.agent,
    google_project_iam_member.asks_models,
    google_project_iam_member.build_logs,
    google_project_iam_member.build_source,
    google_secret_manager_secret_iam_member.function,
    google_storage_bucket_iam_member.function,
  ]
}

# A function of the second generation is a Cloud Run service of the same name: the right to call it
# is given there.
resource "google_cloud_run_v2_service_iam_member" "invoker" {
  for_each = merge([
    for name, _ in local.behind_doors["http"] : { for member in var.invokers : "${name} ${member}" => { function = name, member = member } }
  ]...)

  name     = google_cloudfunctions2_function.this[each.value.function].name
  location = var.region
  role     = "roles/run.invoker"
  member   = each.value.member
}
