# Secrets are made by hand and named here (docs/operations.md), so that none is ever in the state.  A
# function gets a secret only if it needs what the secret is for, or stands behind the door it opens.

locals {
  secrets = {
    for variable, secret in {
      GEMINI_API_KEY        = merge({ need = "models" }, var.gemini_api_key == null ? {} : var.gemini_api_key)
      STUDIO_WEBHOOK_SECRET = merge({ need = "notices" }, var.webhook_secret == null ? {} : var.webhook_secret)
      STUDIO_API_KEYS       = merge({ need = "keys" }, var.api_keys == null ? {} : var.api_keys)
    } : variable => secret if can(secret.secret)
  }

  secret_grants = merge([
    for variable, secret in local.secrets : {
      for name, function in local.deployed : "${name} ${variable}" => { function = name, secret = secret.secret }
      if contains(concat(function.needs, [function.door]), secret.need)
    }
  ]...)
}

resource "google_secret_manager_secret_iam_member" "function" {
  for_each  = local.secret_grants
  secret_id = each.value.secret
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.function[each.value.function].member
}
