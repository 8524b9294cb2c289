//! The maintenance page.

/// The page that is put up when the recipe brings none of its own.
pub(crate) fn page(reason: Option<&str>, until: Option<&str>) -> String {
    let reason = escape(reason.unwrap_or("maintenance"));
    let until = escape(until.unwrap_or("shortly"));
    format!(
        r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Down for maintenance</title>
<style>
body {{ margin: 0; background: #f4f4f2; color: #222; font: 1.1em/1.5 sans-serif; }}
main {{ max-width: 34em; margin: 15vh auto; padding: 2em; background: #fff; border-top: 4px solid #c60; }}
h1 {{ margin-top: 0; font-size: 1.5em; }}
</style>
</head>
<body>
<main>
<h1>We will be back</h1>
<p>The site is down for {reason}.</p>
<p>It is expected back {until}.</p>
</main>
</body>
</html>
"#
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// What to tell the web servers, once.
pub(crate) fn advice(name: &str) -> String {
    format!(
        "The web servers must be told to show the page while it is there.\n\
         Apache, in the virtual host:\n\
         \x20 ErrorDocument 503 /system/{name}.html\n\
         \x20 RewriteEngine On\n\
         \x20 RewriteCond %{{DOCUMENT_ROOT}}/system/{name}.html -f\n\
         \x20 RewriteCond %{{REQUEST_URI}} !^/system/{name}.html$\n\
         \x20 RewriteRule ^.*$ - [R=503,L]\n\
         nginx, in the server block:\n\
         \x20 error_page 503 @maintenance;\n\
         \x20 if (-f $document_root/system/{name}.html) {{ return 503; }}\n\
         \x20 location @maintenance {{ rewrite ^ /system/{name}.html break; }}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_command_line_says_cannot_become_markup() {
        let page = page(Some("<script>"), Some("12 \"sharp\" & so"));
        assert!(page.contains("down for &lt;script&gt;."), "{page}");
        assert!(page.contains("back 12 &quot;sharp&quot; &amp; so."), "{page}");
    }

    #[test]
    fn advice_names_the_file() {
        assert!(advice("down").contains("/system/down.html -f"));
    }
}
