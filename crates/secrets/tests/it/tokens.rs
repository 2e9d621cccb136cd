//! Made-up tokens of many kinds. They are put together at run time, so that no scanner finds them in this repository.

/// A kind of token, and a pattern of it: `|` is nothing, `{A36}` is 36 random characters of a set.
pub(crate) type Kind = (&'static str, &'static str);

/// Tokens that are known by their own form.
pub(crate) const KINDS: &[Kind] = &[
    ("github classic", "gh|p_{A36}"),
    ("github oauth", "gh|o_{A36}"),
    ("github app user", "gh|u_{A36}"),
    ("github app server", "gh|s_{A36}"),
    ("github refresh", "gh|r_{A36}"),
    ("github fine-grained", "github|_pat_{A22}_{A59}"),
    ("gitlab personal", "gl|pat-{A20}"),
    ("gitlab deploy", "gl|dt-{A20}"),
    ("gitlab runner", "gl|rt-{A20}"),
    ("gitlab trigger", "gl|ptt-{H40}"),
    ("gitlab runner registration", "GR13|48941{A20}"),
    ("aws access key id", "AK|IA{T16}"),
    ("aws temporary key id", "AS|IA{T16}"),
    (
        "aws bedrock",
        "bedrock-api|-key-YmVkcm9jay5hbWF6b25hd3MuY29t{B80}",
    ),
    ("google api key", "AI|za{A35}"),
    ("google client secret", "GOC|SPX-{A28}"),
    ("google access token", "ya|29.{A120}"),
    ("azure ad client secret", "{A3}8|Q~{A34}"),
    ("anthropic", "sk-|ant-api03-{A93}AA"),
    ("anthropic admin", "sk-|ant-admin01-{A93}AA"),
    ("openai old", "sk|-{A20}T3|BlbkFJ{A20}"),
    ("openai project", "sk|-proj-{A74}T3|BlbkFJ{A74}"),
    ("openai service account", "sk|-svcacct-{A60}"),
    ("openrouter", "sk-|or-v1-{H64}"),
    ("groq", "gs|k_{A52}"),
    ("xai", "xa|i-{A80}"),
    ("perplexity", "pp|lx-{A48}"),
    ("huggingface", "h|f_{a34}"),
    ("replicate", "r|8_{A37}"),
    ("slack bot", "xo|xb-{D12}-{D12}-{A24}"),
    ("slack user", "xo|xp-{D12}-{D12}-{D12}-{A32}"),
    ("slack app", "xa|pp-1-{U11}-{D13}-{L64}"),
    (
        "slack webhook",
        "https://hooks|.slack.com/services/T{U10}/B{U10}/{A24}",
    ),
    (
        "discord webhook",
        "https://disc|ord.com/api/webhooks/{D18}/{A68}",
    ),
    ("telegram bot", "{D10}:A|A{A33}"),
    ("stripe live", "sk|_live_{A24}"),
    ("stripe restricted", "rk|_live_{A24}"),
    ("square", "sq|0atp-{A22}"),
    ("shopify", "shp|at_{H32}"),
    ("sendgrid", "S|G.{A22}.{A43}"),
    ("mailchimp-like brevo", "xkey|sib-{H64}-{L16}"),
    ("twilio", "S|K{H32}"),
    ("npm", "np|m_{A36}"),
    ("pypi", "py|pi-AgEIcHlwaS5vcmc{A80}"),
    ("rubygems", "ruby|gems_{H48}"),
    ("docker", "dc|kr_pat_{A27}"),
    ("digitalocean", "do|p_v1_{H64}"),
    ("databricks", "da|pi{H32}"),
    ("doppler", "d|p.pt.{A43}"),
    ("dynatrace", "dt0|c01.{U24}.{U64}"),
    ("grafana service account", "gl|sa_{A32}_{H8}"),
    ("hashicorp terraform", "{A14}.atlas|v1.{A64}"),
    ("hashicorp vault", "hv|s.{A94}"),
    ("heroku", "HRKU-|AA{A58}"),
    ("linear", "lin|_api_{A40}"),
    ("notion", "nt|n_{D11}{A35}"),
    ("postman", "PM|AK-{H24}-{H34}"),
    ("pulumi", "pu|l-{H40}"),
    ("planetscale", "pscale|_tkn_{A40}"),
    ("sentry user", "sntr|yu_{H64}"),
    ("supabase", "sb|p_{H40}"),
    ("figma", "fig|d_{A40}"),
    ("age", "AGE-SECRET|-KEY-1{G58}"),
    ("json web token", "ey|J{A30}.ey|J{A60}.{A43}"),
    (
        "airtable personal (with its name)",
        "airtable pa|t{A14}.{H64}",
    ),
];

/// Tokens that are known by the name beside them: the name, and the token.
pub(crate) const NAMED: &[(&str, &str)] = &[
    ("aws_secret_access_key", "{B40}"),
    ("CLOUDFLARE_API_KEY", "{A40}"),
    ("datadog_api_key", "{L40}"),
    ("FASTLY_API_TOKEN", "{A32}"),
    ("twitter_api_secret", "{L50}"),
    ("okta_token", "00{A40}"),
    ("algolia_key", "{L32}"),
    ("snyk_token", "{H8}-{H4}-{H4}-{H4}-{H12}"),
    ("travis_token", "{L22}"),
    ("zendesk_secret", "{L40}"),
];

/// What of a token must not leave: of an address its end, of a token with its name the token.
pub(crate) fn secret_of(token: &str) -> &str {
    let is_whole = !token.starts_with("https://") && !token.contains(' ');
    let end = token.rsplit([' ', '/']).next().unwrap_or_default();
    if is_whole { token } else { end }
}

/// A source of random characters that gives the same for the same seed.
pub(crate) struct Random(blake3::OutputReader);

impl Random {
    pub(crate) fn new(seed: &str) -> Self {
        Self(blake3::Hasher::new().update(seed.as_bytes()).finalize_xof())
    }

    fn pick(&mut self, set: &str) -> char {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        let index = u64::from_le_bytes(bytes) % set.len() as u64;
        char::from(set.as_bytes()[index as usize])
    }

    /// A token of a pattern.
    pub(crate) fn token(&mut self, pattern: &str) -> String {
        let mut token = String::new();
        let mut rest = pattern;
        while let Some(at) = rest.find(['|', '{']) {
            token.push_str(&rest[..at]);
            if rest[at..].starts_with('|') {
                rest = &rest[at + 1..];
                continue;
            }
            let Some((what, behind)) = rest[at + 1..].split_once('}') else {
                panic!("{pattern} has no end");
            };
            let (set, count) = what.split_at(1);
            for _ in 0..count
                .parse()
                .unwrap_or_else(|_| panic!("{count} in {pattern}"))
            {
                token.push(self.pick(characters(set)));
            }
            rest = behind;
        }
        token.push_str(rest);
        token
    }

    /// A made-up private key with its marks, lines of 64.
    pub(crate) fn key_block(&mut self, name: &str, lines: usize) -> String {
        let mut block = format!("-----BEGIN {name}-----\n");
        for _ in 0..lines {
            block.push_str(&self.token("{B64}"));
            block.push('\n');
        }
        block.push_str(&self.token("{B22}=="));
        block.push_str(&format!("\n-----END {name}-----"));
        block
    }
}

fn characters(set: &str) -> &'static str {
    match set {
        "A" => "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
        "B" => "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
        "a" => "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
        "L" => "abcdefghijklmnopqrstuvwxyz0123456789",
        "U" => "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
        "T" => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
        "G" => "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L",
        "H" => "0123456789abcdef",
        "D" => "0123456789",
        other => panic!("no set {other}"),
    }
}
