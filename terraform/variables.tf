# What an operator may choose.  Sizes stand in sizes.tf, beside the measurements they come from.

# --- where and what -------------------------------------------------------------------------------

variable "project_id" {
  description = "The Google Cloud project that everything is made in."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project_id))
    error_message = "project_id is 6 to 30 lower-case letters, digits and hyphens, and begins with a letter."
  }
}

variable "region" {
  description = "Where functions run and buckets lie. Prices in README.md are those of us-central1."
  type        = string
  default     = "us-central1"

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "region is the name of a region, such as us-central1 or asia-northeast3, not of a zone."
  }
}

variable "name" {
  description = "Begins the name of everything that is made, so that two studios fit into one project."
  type        = string
  default     = "studio"

  validation {
    # A service account's name has 30 characters, of which "-pipeline-dropped" takes 17.
    condition     = can(regex("^[a-z][a-z0-9-]{1,11}[a-z0-9]$", var.name))
    error_message = "name is 3 to 13 lower-case letters, digits and hyphens, and begins with a letter."
  }
}

variable "labels" {
  description = "Labels on everything that can bear them, beside app."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for key, value in var.labels : can(regex("^[a-z][a-z0-9_-]{0,62}$", key)) && can(regex("^[a-z0-9_-]{0,63}$", value))])
    error_message = "labels are lower-case letters, digits, hyphens and underscores."
  }
}

variable "package" {
  description = "The zip with the functions' code, as `make package` writes it."
  type        = string
  default     = "../build/functions.zip"

  validation {
    condition     = endswith(var.package, ".zip") && fileexists(var.package)
    error_message = "There is no such zip. Run make package first."
  }
}

variable "page_package" {
  description = "The zip with the web page, as `make package` writes it; used with the gateway."
  type        = string
  default     = "../build/page.zip"

  validation {
    condition     = endswith(var.page_package, ".zip")
    error_message = "page_package is the path of a zip."
  }
}

variable "release" {
  description = "SHA-256 of an earlier zip to go back to; null deploys `package`. Output release tells the current one."
  type        = string
  default     = null

  validation {
    condition     = var.release == null || can(regex("^[0-9a-f]{64}$", var.release))
    error_message = "release is the SHA-256 of a zip: 64 hexadecimal digits."
  }
}

# --- who may call, and from where -----------------------------------------------------------------

variable "invokers" {
  description = "Who may call the HTTP functions with an identity token, as user:, group: or serviceAccount: members."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for member in var.invokers : can(regex("^(user|group|serviceAccount):[^@\\s]+@[^@\\s]+$", member))])
    error_message = "invokers are user:, group: or serviceAccount: members. Nothing here is open to allUsers, allAuthenticatedUsers or a whole domain."
  }
}

variable "uploaders" {
  description = "Who may put pictures and recipes into the input bucket. Functions never may."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for member in var.uploaders : can(regex("^(user|group|serviceAccount):[^@\\s]+@[^@\\s]+$", member))])
    error_message = "uploaders are user:, group: or serviceAccount: members; a bucket is never opened to allUsers, allAuthenticatedUsers or a whole domain."
  }
}

variable "readers" {
  description = "Who may read results in the output bucket."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for member in var.readers : can(regex("^(user|group|serviceAccount):[^@\\s]+@[^@\\s]+$", member))])
    error_message = "readers are user:, group: or serviceAccount: members; a bucket is never opened to allUsers, allAuthenticatedUsers or a whole domain."
  }
}

variable "upload_origins" {
  description = "Web origins whose pages may upload to the input bucket by signed address (CORS)."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for origin in var.upload_origins : can(regex("^https://[a-z0-9.-]+(:[0-9]+)?$", origin))])
    error_message = "upload_origins are https origins without a path, such as https://studio.example.com; * is none."
  }
}

variable "allowed_origins" {
  description = "Web origins whose pages may call the functions from a browser (CORS), beside the gateway's own page."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for origin in var.allowed_origins : can(regex("^https://[a-z0-9.-]+(:[0-9]+)?$", origin))])
    error_message = "allowed_origins are https origins without a path, such as https://shop.example.com; * is none."
  }
}

variable "allowed_buckets" {
  description = "Buckets that a request's image_uri may read from, by name; the functions get the right to read them."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for bucket in var.allowed_buckets : can(regex("^[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]$", bucket))])
    error_message = "allowed_buckets are names of buckets, without gs://."
  }
}

variable "limits" {
  description = "The largest picture that is worked on, in bytes and megapixels, and seconds in which a request's body has to arrive. Memory in sizes.tf is for 24 megapixels."
  type = object({
    max_bytes      = optional(number, 50000000)
    max_megapixels = optional(number, 24)
    body_seconds   = optional(number, 60)
  })
  default = {}

  validation {
    condition     = var.limits.max_bytes >= 100000 && var.limits.max_megapixels >= 1 && var.limits.max_megapixels <= 100 && var.limits.body_seconds >= 5
    error_message = "limits: max_bytes is at least 100000, max_megapixels 1 to 100, body_seconds at least 5."
  }
}

variable "api_keys" {
  description = "Secret with the hashes of the API keys of machines, and its version; they are used behind gateway.machine_domain."
  type = object({
    secret  = string
    version = string
  })
  default = null

  validation {
    condition     = var.api_keys == null || can(regex("^[A-Za-z0-9_-]{1,255}$", var.api_keys.secret))
    error_message = "api_keys.secret is the name of a secret in this project, never the keys themselves."
  }
  validation {
    condition     = var.api_keys == null || can(regex("^[0-9]+$", var.api_keys.version))
    error_message = "api_keys.version is a number."
  }
}

variable "gateway" {
  description = "A load balancer that puts everything under one domain: for people behind Identity-Aware Proxy, and, where machine_domain is named, for holders of API keys. Null makes none; it is the one thing here that costs money while it idles."
  type = object({
    domain            = string
    people            = set(string)
    machine_domain    = optional(string)
    requests_a_minute = optional(number, 300)
    allowed_networks  = optional(set(string), [])
  })
  default = null

  validation {
    condition     = var.gateway == null || can(regex("^([a-z0-9-]+\\.)+[a-z]{2,}$", var.gateway.domain))
    error_message = "gateway.domain is a domain of yours, such as studio.example.com."
  }
  validation {
    condition     = var.gateway == null || try(alltrue([for member in var.gateway.people : can(regex("^(user|group|serviceAccount):[^@\\s]+@[^@\\s]+$", member))]), false)
    error_message = "gateway.people are user:, group: or serviceAccount: members, never allUsers or allAuthenticatedUsers."
  }
  validation {
    condition     = try(var.gateway.machine_domain, null) == null || can(regex("^([a-z0-9-]+\\.)+[a-z]{2,}$", var.gateway.machine_domain)) && try(var.gateway.machine_domain != var.gateway.domain, false)
    error_message = "gateway.machine_domain is another domain of yours, such as api.studio.example.com."
  }
  validation {
    # Cloud Run cannot check a key, so it must let everybody through to the function that does.
    condition     = try(var.gateway.machine_domain, null) == null || var.api_keys != null
    error_message = "gateway.machine_domain lets in whoever shows a key, so it needs api_keys."
  }
  validation {
    condition     = var.gateway == null || try(alltrue([for network in var.gateway.allowed_networks : can(cidrhost(network, 0))]) && var.gateway.requests_a_minute >= 1, false)
    error_message = "gateway.allowed_networks are networks such as 203.0.113.0/24; requests_a_minute is at least 1."
  }
  validation {
    # Cloud Armor's own limit for one rule, which it would tell only while it is applied.
    condition     = var.gateway == null || try(length(var.gateway.allowed_networks) <= 10, false)
    error_message = "gateway.allowed_networks are at most ten: name larger ones."
  }
}

# --- models and money -----------------------------------------------------------------------------

variable "engine" {
  description = "Who makes pictures where a request names no engine: gemini, or embedded, which costs nothing."
  type        = string
  default     = "gemini"

  validation {
    condition     = contains(["gemini", "embedded"], var.engine)
    error_message = "engine is gemini or embedded."
  }
}

variable "gemini_api_key" {
  description = "Secret with a key of the Gemini API, and its version. Null asks Vertex AI by role, without any key."
  type = object({
    secret  = string
    version = string
  })
  default = null

  validation {
    condition     = var.gemini_api_key == null || can(regex("^[A-Za-z0-9_-]{1,255}$", var.gemini_api_key.secret))
    error_message = "gemini_api_key.secret is the name of a secret in this project, never the key itself."
  }
  validation {
    # A name that moves would change what runs without anybody having deployed it.
    condition     = var.gemini_api_key == null || can(regex("^[0-9]+$", var.gemini_api_key.version))
    error_message = "gemini_api_key.version is a number: a new key is a new version and an apply, not a surprise."
  }
}

variable "webhook_secret" {
  description = "Secret that signs notices of finished results, and its version. Null refuses recipes with notify."
  type = object({
    secret  = string
    version = string
  })
  default = null

  validation {
    condition     = var.webhook_secret == null || can(regex("^[A-Za-z0-9_-]{1,255}$", var.webhook_secret.secret))
    error_message = "webhook_secret.secret is the name of a secret in this project, never the secret itself."
  }
  validation {
    condition     = var.webhook_secret == null || can(regex("^[0-9]+$", var.webhook_secret.version))
    error_message = "webhook_secret.version is a number."
  }
}

variable "vertex_location" {
  description = "Where Vertex AI answers: global, or a region that has the models."
  type        = string
  default     = "global"

  validation {
    condition     = can(regex("^(global|[a-z]+-[a-z]+[0-9]+)$", var.vertex_location))
    error_message = "vertex_location is global or a region."
  }
}

variable "models" {
  description = "Models by their use, the largest picture that is asked for (1K, 2K, 4K), and seconds for a call with its repetitions. Null is the studio's own choice."
  type = object({
    image   = optional(string)
    fast    = optional(string)
    pro     = optional(string)
    text    = optional(string)
    size    = optional(string)
    seconds = optional(number, 120)
  })
  default = {}

  validation {
    condition     = var.models.size == null || contains(["1K", "2K", "4K"], coalesce(var.models.size, "1K"))
    error_message = "models.size is 1K, 2K or 4K."
  }
  validation {
    # Three renders and what lies between them have to fit into a function's time.
    condition     = var.models.seconds >= 10 && var.models.seconds <= 160
    error_message = "models.seconds is 10 to 160: three calls have to fit into a function's 540 seconds."
  }
}

variable "caps" {
  description = "Most dollars for a request, for a day (UTC), and for a day's pictures whose name begins so. They hold across all instances, and fail closed."
  type = object({
    request_usd  = optional(number, 1)
    day_usd      = optional(number, 20)
    prefixes_usd = optional(map(number), {})
  })
  default = {}

  validation {
    condition     = var.caps.request_usd > 0 && var.caps.day_usd > 0 && var.caps.request_usd <= var.caps.day_usd
    error_message = "caps.request_usd and caps.day_usd are above 0, and a request's is not above the day's."
  }
  validation {
    condition     = alltrue([for prefix, usd in var.caps.prefixes_usd : usd > 0 && can(regex("^[a-z]+/[^\\s,]*$", prefix))])
    error_message = "caps.prefixes_usd are dollars above 0 by a prefix that begins with an operation, such as cutout/shoes/."
  }
}

# --- keeping --------------------------------------------------------------------------------------

variable "keep" {
  description = "Days: inputs (null: for ever; all that lies in the input bucket goes by it, recipe.json too), soft-deleted objects, earlier versions of results, earlier zips."
  type = object({
    inputs   = optional(number)
    deleted  = optional(number, 7)
    versions = optional(number, 30)
    zips     = optional(number, 180)
  })
  default = {}

  validation {
    condition     = var.keep.inputs == null || coalesce(var.keep.inputs, 1) >= 1
    error_message = "keep.inputs is at least 1 day, or null."
  }
  validation {
    condition     = var.keep.deleted >= 7 && var.keep.deleted <= 90
    error_message = "keep.deleted is 7 to 90 days: what Cloud Storage offers, and never off."
  }
  validation {
    condition     = var.keep.versions >= 1 && var.keep.zips >= 30
    error_message = "keep.versions is at least 1 day, keep.zips at least 30: there has to be something to go back to."
  }
}

variable "delete_pictures" {
  description = "Whether `terraform destroy` deletes the input and output buckets with all that is in them. To be applied before destroying."
  type        = bool
  default     = false
}

variable "kms_key" {
  description = "Customer-managed key for buckets, topics, images and functions; null leaves encryption to Google's keys."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key == null || can(regex("^projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+$", var.kms_key))
    error_message = "kms_key is written projects/PROJECT/locations/REGION/keyRings/RING/cryptoKeys/KEY."
  }
  validation {
    condition     = var.kms_key == null || try(split("/", var.kms_key)[3], "") == var.region
    error_message = "kms_key has to lie in the region of everything it protects."
  }
}

# --- the clock ------------------------------------------------------------------------------------

variable "sweep" {
  description = "When the sweep runs (cron, UTC), for how many seconds it begins new work, and how many inputs it runs at most."
  type = object({
    schedule = optional(string, "*/15 * * * *")
    seconds  = optional(number, 240)
    inputs   = optional(number, 500)
  })
  default = {}

  validation {
    condition     = length(split(" ", var.sweep.schedule)) == 5
    error_message = "sweep.schedule is five fields of cron, such as */15 * * * *."
  }
  validation {
    # Its last input may take as long as any other after that.
    condition     = var.sweep.seconds >= 30 && var.sweep.seconds <= 300 && var.sweep.inputs >= 1
    error_message = "sweep.seconds is 30 to 300, sweep.inputs at least 1."
  }
}

# --- watching -------------------------------------------------------------------------------------

variable "alert_emails" {
  description = "Addresses that alerts go to. Without any, alerts are only seen in the console."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for address in var.alert_emails : can(regex("^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$", address))])
    error_message = "alert_emails are addresses of e-mail."
  }
}

variable "alert_above" {
  description = "When an alert is raised: share of failed requests, share of the day's cap, refusals for quota in 10 minutes."
  type = object({
    error_ratio = optional(number, 0.05)
    cap_share   = optional(number, 0.8)
    quota       = optional(number, 20)
  })
  default = {}

  validation {
    condition     = var.alert_above.error_ratio > 0 && var.alert_above.error_ratio < 1 && var.alert_above.cap_share > 0 && var.alert_above.cap_share <= 1 && var.alert_above.quota >= 1
    error_message = "alert_above.error_ratio and cap_share are shares between 0 and 1, quota is at least 1."
  }
}

variable "budget" {
  description = "Billing account and whole dollars a month beyond which its owners and alert_emails are told. Null makes no budget."
  type = object({
    billing_account = string
    monthly_usd     = number
  })
  default = null

  validation {
    condition     = var.budget == null || can(regex("^[0-9A-F]{6}-[0-9A-F]{6}-[0-9A-F]{6}$", var.budget.billing_account))
    error_message = "budget.billing_account is written 012345-6789AB-CDEF01."
  }
  validation {
    condition     = var.budget == null || try(var.budget.monthly_usd >= 1 && floor(var.budget.monthly_usd) == var.budget.monthly_usd, false)
    error_message = "budget.monthly_usd is whole dollars, at least 1."
  }
}
