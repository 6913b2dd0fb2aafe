"""Commands that no skill should hold: they run what is hidden in them, destroy, read credentials or send data away."""

from agentloop.skills.findings.pattern import pattern

_SUDO = r"(?:sudo (?:-\w{1,10} ){0,3})?"
_SHELL = r"(?:/\w{1,12}){0,3}/?(?:(?:ba|z|da|k|fi|a)?sh\b(?!\.\w)|(?:pwsh|powershell|iex)\b)"
_INTERPRETER = r"(?:python|perl|ruby|node|php)[\d.]{0,4}\s{0,4}(?:-\s|-?[\"'`)\n;&]|-?\Z)"
_RUN = rf"\|\s{{0,8}}{_SUDO}(?:{_SHELL}|{_INTERPRETER})"
_VIA = r"(?:\|[^|\n]{0,80}){0,3}?"
_DECODERS = "base64 base32 openssl xxd uudecode"
_DECODE = (
    r"(?:base(?:64|32) [^|\n]{0,160}?(?:-\w{0,3}d\b|--decode)"
    r"|openssl[^|\n]{0,80}-d\b|xxd -r|uudecode)"
)
_DECODED_WORDS = (
    "b64decode b32decode fromhex unhexlify a2b atob base64 decode64 gzinflate frombase64string fromcharcode"
    " decompress codecs"
)
_DECODED = (
    r"(?:b(?:64|32)decode|fromhex|unhexlify|a2b_|\batob\s{0,4}\(|base64_decode|decode_base64|decode64|gzinflate"
    r"|frombase64string|fromcharcode|zlib\.decompress|codecs\.decode|,\s{0,4}[\"']base64[\"'])"
)
_FOLDERS = "bin|boot|dev|etc|home|lib|lib64|opt|root|sbin|srv|sys|usr|var|users|system|applications|library"
_ROOT = (
    rf"[\"']?(?:/(?:(?:{_FOLDERS})/?)?|~/?|\$home/?|\$\{{home\}}/?|[a-z]:[\\/]{{1,2}})"
    r"[\"']?/?\*?\.?\*?[\"']?(?=[\s;&|)`\"'<]|\Z)"
)

PAYLOADS = (
    pattern(
        "encoded-payload",
        "it runs what it decodes",
        _DECODERS,
        ("base64", "base32", "openssl", "xxd", "uudecode"),
        rf"{_DECODE}[^|\n]{{0,160}}{_VIA}{_RUN}",
    ),
    pattern(
        "encoded-payload",
        "it runs what it decodes",
        _DECODERS,
        ("eval", "source", "sh -c", "sh <(", ". <("),
        rf"(?:eval|source|sh -c|\.|sh)\s{{0,4}}[\"']?(?:\$\(|`|<\()[^\n]{{0,200}}?{_DECODE}",
    ),
    pattern(
        "encoded-payload",
        "it runs what it decodes",
        _DECODED_WORDS,
        ("exec", "eval", "system", "popen", ".run", "check_output", "function(", "iex", "invoke-expression"),
        r"(?:(?:exec|eval|system|popen|\.run|check_output|function)(?:_?sync|_?file)?\s{0,4}\(",
        rf"|(?:iex|invoke-expression)[(\s])[^\n]{{0,160}}?{_DECODED}",
    ),
    pattern(
        "encoded-payload",
        "it runs what it decodes",
        "frombase64string",
        ("frombase64string",),
        r"frombase64string[^\n]{0,300}?\|\s{0,4}(?:iex|invoke-expression)\b",
    ),
    pattern(
        "encoded-payload",
        "it runs an encoded command",
        "powershell pwsh",
        ("powershell", "pwsh"),
        r"(?:powershell|pwsh)(?:\.exe)?\b[^\n]{0,120}?\s-e(?:nc|ncodedcommand|c)? [\"']?[a-z0-9+/]{24}",
    ),
    pattern(
        "encoded-payload",
        "it runs what it turns round or unescapes",
        "printf echo rev tr",
        ("printf", "echo", "| rev", "|rev", "| tr ", "|tr "),
        r"(?:(?:printf|echo)[^|\n]{0,40}(?:\\x[0-9a-f]{2}|\\[0-7]{3}){4}[^|\n]{0,400}|\|\s{0,2}rev[^|\n]{0,40}",
        rf"|\|\s{{0,2}}tr [^|\n]{{0,60}}n-za-m[^|\n]{{0,40}}){_RUN}",
    ),
    pattern("encoded-payload", "it hides a command in escapes", "", ("$'\\x",), r"\$'(?:\\x[0-9a-f]{2}){4}"),
)

DESTRUCTION = (
    pattern(
        "destructive-command",
        "it deletes a whole system or home",
        "rm",
        ("rm -", "rm  -", "rm\t-"),
        r"(?<![\w.-])rm(?=\s[^\n;|&]{0,60}?-(?:\w{0,6}r|-recursive))",
        rf" (?:-[\w=-]{{1,24}} ){{1,5}}{_ROOT}",
    ),
    pattern(
        "destructive-command",
        "it switches the guard of / off",
        "preserve",
        ("--no-preserve-root",),
        r"--no-preserve-root",
    ),
    pattern(
        "destructive-command",
        "it makes a file system",
        "mkfs",
        ("mkfs",),
        r"(?<![\w/-])mkfs(?:\.\w{1,8})?\s[^\n]{0,80}?/dev/",
    ),
    pattern(
        "destructive-command",
        "it writes over a device",
        "dd",
        ("dd ",),
        r"(?<![\w-])dd\s[^\n]{0,160}?of=[\"']?/dev/(?!null|std|zero)",
    ),
    pattern(
        "destructive-command",
        "it writes over a device",
        "dev",
        ("/dev/sd", "/dev/nvme", "/dev/hd", "/dev/disk", "/dev/vd"),
        r"(?:(?<=>)|(?<=>\s)|(?<=wipefs\s-a\s)|(?<=shred\s))/dev/\w{2,12}",
    ),
    pattern("destructive-command", "it is a fork bomb", "", (":()",), r":\(\)\s{0,4}\{\s{0,4}:\s{0,4}\|\s{0,4}:"),
    pattern(
        "destructive-command",
        "it deletes a whole system or home",
        "find",
        ("find /", "find ~", "find $home"),
        rf"(?<![\w.-])find {_ROOT}[^\n;|&]{{0,120}}?(?:-delete|-exec rm)\b",
    ),
    pattern(
        "destructive-command",
        "it changes the permissions of a whole system",
        "chmod chown",
        ("chmod -", "chown -"),
        rf"(?<![\w-])ch(?:mod|own) (?:-\w{{0,4}}r\w{{0,4}}|--recursive) [\w:+=,-]{{1,40}} {_ROOT}",
    ),
    pattern(
        "destructive-command",
        "it deletes a whole system or home",
        "rmtree rmsync rimraf rf",
        ("rmtree", "rmsync", "rimraf", "rm_rf"),
        r"(?:rmtree|rmsync|rimraf(?:\.sync)?|rm_rf)\s{0,4}\(\s{0,4}(?:[\"'](?:/|~|c:\\\\?)[\"']",
        r"|(?:pathlib\.)?path\.home\(\)|os\.path\.expanduser\(\s{0,4}[\"']~/?[\"']|os\.homedir\(\)|dir\.home)\s{0,4}[,)]",
    ),
    pattern(
        "destructive-command",
        "it deletes a whole system or home",
        "recurse rd rmdir",
        ("remove-item", "rd /s", "rmdir /s"),
        r"(?:remove-item(?=[^\n]{0,80}-recurse)[^\n]{0,80}?|r(?:d|mdir) /s (?:/q )?)(?:(?<=\s)|[\"'])",
        r"(?:[a-z]:\\{0,2}\*?|\$home\\?|~\\?|\$env:userprofile\\?|%userprofile%\\?|\$env:systemroot)(?=[\s\"';]|\Z)",
    ),
    pattern(
        "destructive-command",
        "it deletes a whole system or home",
        "format",
        ("format c:",),
        r"(?<![\w-])format c:(?=\s{0,4}(?:/|\n|\Z|`))",
    ),
)

CREDENTIALS = (
    pattern(
        "credential-path",
        "it names a file of credentials",
        "ssh aws gnupg credentials netrc gcloud gh shadow",
        (".ssh", ".aws", ".gnupg", ".git-credentials", ".netrc", ".config/g", "/etc/shadow"),
        r"(?:\.ssh[\"'\s,)/\\]{1,8}id_(?:rsa|dsa|ecdsa|ed25519)(?!\w|\.pub)|\.aws[\"'\s,)/\\]{1,8}credentials\b",
        r"|\.gnupg/(?:private|secring)|\.git-credentials\b|(?<=/)\.netrc\b|/etc/shadow\b",
        r"|\.config/gcloud/(?:application_default_credentials|credentials|access_tokens)|\.config/gh/hosts\.yml)",
    ),
    pattern(
        "credential-path",
        "it reads a store of passwords",
        "login wallet generic internet",
        ("login data", "login.keychain", "find-generic-password", "find-internet-password", "wallet.dat"),
        r"(?:(?<=/)login data\b|login\.keychain(?:-db)?|wallet\.dat",
        r"|find-(?:generic|internet)-password[^\n]{0,120}?\s-w)",
    ),
)

CARELESSNESS = (
    pattern(
        "pipe-to-shell",
        "it runs what it downloads",
        "curl wget",
        ("curl", "wget"),
        rf"(?<![\w-])(?:curl|wget)\b[^|\n]{{0,300}}{_VIA}{_RUN}",
    ),
    pattern(
        "pipe-to-shell",
        "it runs what it downloads",
        "curl wget",
        ("sh <(", "sh -c", "eval", "source <("),
        r"(?:(?:sh|source) <\(|sh -c [\"']?(?:\$\(|`)|eval [\"']?(?:\$\(|`))\s{0,4}(?:curl|wget)\b",
    ),
    pattern(
        "pipe-to-shell",
        "it runs what it downloads",
        "irm iwr restmethod webrequest",
        ("irm", "iwr", "invoke-restmethod", "invoke-webrequest"),
        r"(?<![\w-])(?:irm|iwr|invoke-restmethod|invoke-webrequest)\b[^|\n]{0,200}\|\s{0,4}(?:iex|invoke-expression)\b",
    ),
    pattern(
        "pipe-to-shell",
        "it runs what it downloads",
        "iex expression",
        ("iex", "invoke-expression"),
        r"(?<![\w-])(?:iex|invoke-expression)\b[^\n|]{0,80}?",
        r"(?:\b(?:irm|iwr|invoke-restmethod|invoke-webrequest)|downloadstring)\b",
    ),
    pattern("unsafe-flag", "it switches a check off", "verify", ("--no-verify",), r"--no-verify(?![\w-])"),
    pattern(
        "unsafe-flag",
        "it switches every check off",
        "yolo dangerously",
        ("--yolo", "--dangerously-"),
        r"--(?:yolo|dangerously-[a-z-]{1,60})(?![\w-])",
    ),
    pattern(
        "unsafe-flag",
        "it switches every check off",
        "permissions tools",
        ("--skip-permissions", "--allow-all-tools", "--trust-all-tools"),
        r"--(?:skip-permissions|allow-all-tools|trust-all-tools)(?![\w-])",
    ),
)

EXFILTRATION = (
    pattern(
        "drop-host",
        "it names a host that takes data from anybody",
        "webhook requestbin pipedream burpcollaborator oastify interact transfer requestcatcher ngrok",
        (
            *("webhook.site", "requestbin", "pipedream.net", "burpcollaborator", "oastify.com", "interact.sh"),
            *("transfer.sh", "requestcatcher.com", "ngrok"),
        ),
        r"(?:webhook\.site|requestbin|pipedream\.net|burpcollaborator|oastify\.com|interact\.sh|transfer\.sh",
        r"|requestcatcher\.com|ngrok(?:-free)?\.(?:io|app|dev))\b",
    ),
    pattern(
        "remote-image",
        "showing an image sends data away",
        "",
        ("![", "<img"),
        r"(?:!\[[^\]\n]{0,200}\]\([\s<]{0,4}|<img\b[^>\n]{0,160}?\bsrc\s{0,4}=\s{0,4}[\"']?)(?:https?:)?//",
        r"[^)\s\"'>]{0,300}?(?:\$\{?[a-z_]|\$\(|\{\{|%7b|[?&][\w-]{1,40}=[^)\s\"'>&]{0,80}?[{<\[][a-z_])",
    ),
)
