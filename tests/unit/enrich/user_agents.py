"""User-Agents of people's browsers and apps, with what must be read out of each: (browser, os, type of
device).
"""

from __future__ import annotations

_IOS = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_3_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
_ANDROID = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko)"
_WEBVIEW = "Mozilla/5.0 (Linux; Android 15; CPH2557 Build/AP3A.240617.008; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0"
_MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"
_WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"
_CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36"

REACT_NATIVE_IOS = f"{_IOS} DataFast/1.0.0 Mobile"
CHROME_ON_MAC = f"{_MAC} {_CHROME}"

BROWSERS: dict[str, tuple[str | None, str | None, str | None]] = {
    CHROME_ON_MAC: ("Chrome", "Mac OS", "desktop"),
    f"{_WINDOWS} {_CHROME}": ("Chrome", "Windows", "desktop"),
    f"Mozilla/5.0 (X11; Linux x86_64) {_CHROME}": ("Chrome", "Linux", "desktop"),
    f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {_CHROME}": ("Chrome", "Chrome OS", "desktop"),
    f"{_WINDOWS} {_CHROME} Edg/141.0.0.0": ("Edge", "Windows", "desktop"),
    f"{_WINDOWS} {_CHROME} OPR/122.0.0.0": ("Opera", "Windows", "desktop"),
    f"{_WINDOWS} {_CHROME} Vivaldi/7.6": ("Vivaldi", "Windows", "desktop"),
    f"{_MAC} AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.3 Safari/605.1.15": (
        "Safari",
        "Mac OS",
        "desktop",
    ),
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:144.0) Gecko/20100101 Firefox/144.0": (
        "Firefox",
        "Mac OS",
        "desktop",
    ),
    "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0": (
        "Firefox",
        "Ubuntu",
        "desktop",
    ),
    f"{_IOS} Version/18.3.1 Mobile/15E148 Safari/604.1": ("Mobile Safari", "iOS", "mobile"),
    f"{_IOS} CriOS/141.0.7390.41 Mobile/15E148 Safari/604.1": ("Chrome", "iOS", "mobile"),
    f"{_IOS} FxiOS/144.0 Mobile/15E148 Safari/605.1.15": ("Firefox", "iOS", "mobile"),
    f"{_IOS} EdgiOS/141.0 Version/18.0 Mobile/15E148 Safari/604.1": ("Edge", "iOS", "mobile"),
    f"{_IOS} GSA/385.0 Mobile/15E148 Safari/604.1": ("Mobile Safari", "iOS", "mobile"),
    "Mozilla/5.0 (iPad; CPU OS 18_3 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.3 Mobile/15E148 Safari/604.1": (
        "Mobile Safari",
        "iOS",
        "tablet",
    ),
    f"{_ANDROID} Chrome/141.0.0.0 Mobile Safari/537.36": ("Chrome", "Android", "mobile"),
    f"{_ANDROID} Chrome/141.0.0.0 Safari/537.36": ("Chrome", "Android", "tablet"),
    f"{_ANDROID} SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36": (
        "Samsung Internet",
        "Android",
        "mobile",
    ),
    "Mozilla/5.0 (Android 15; Mobile; rv:144.0) Gecko/144.0 Firefox/144.0": ("Firefox", "Android", "mobile"),
    "Mozilla/5.0 (Linux; Android 9; CUBOT_X19) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Mobile Safari/537.36": (
        "Chrome",
        "Android",
        "mobile",
    ),
    "Mozilla/5.0 (Linux; Android 14; CUBOT) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Mobile Safari/537.36": (
        "Chrome",
        "Android",
        "mobile",
    ),
    f"{_WEBVIEW} Chrome/142.0.7444.142 Mobile Safari/537.36": ("Chrome WebView", "Android", "mobile"),
    f"{_WEBVIEW} Chrome/142.0.7444.142 Mobile Safari/537.36 Instagram 406.0.0.50.72 Android": (
        "Instagram",
        "Android",
        "mobile",
    ),
    f"{_WEBVIEW} Chrome/146.0.0.0 Mobile Safari/537.36 MetaIAB Facebook": (
        "Chrome WebView",
        "Android",
        "mobile",
    ),
    f"{_WEBVIEW} Chrome/142.0.0.0 Mobile Safari/537.36 [FB_IAB/FB4A;FBAV/530.0.0.48.74;]": (
        "Facebook",
        "Android",
        "mobile",
    ),
    f"{_WEBVIEW} Chrome/142.0.0.0 Mobile Safari/537.36 musical_ly_2023 BytedanceWebview/d8a21c6": (
        "TikTok",
        "Android",
        "mobile",
    ),
    f"{_IOS} Mobile/15E148 [FBAN/FBIOS;FBAV/530.0.0;FBBV/1;FBDV/iPhone16,2;FBSN/iOS;FBSV/18.3]": (
        "Facebook",
        "iOS",
        "mobile",
    ),
    f"{_IOS} Mobile/15E148 Instagram 400.0.0 (iPhone16,2; iOS 18_3; en_US)": ("Instagram", "iOS", "mobile"),
    f"{_IOS} Mobile/15E148 [LinkedInApp]/9.30": ("Mobile Safari", "iOS", "mobile"),
    f"{_IOS} Mobile/15E148 [Pinterest/iOS]": ("Pinterest", "iOS", "mobile"),
    f"{_IOS} Mobile/15E148 Snapchat/13.0 (like Safari/8618, panda)": ("Mobile Safari", "iOS", "mobile"),
    f"{_IOS} Mobile/15E148 Twitter for iPhone/11.40": ("Twitter", "iOS", "mobile"),
    f"{_IOS} Mobile/15E148 MicroMessenger/8.0.50(0x1800) NetType/WIFI Language/en": (
        "WeChat",
        "iOS",
        "mobile",
    ),
    f"{_IOS} Mobile/15E148 Safari Line/15.0.0": ("LINE", "iOS", "mobile"),
    f"{_IOS} Mobile/15E148 KAKAOTALK 25.1.0": ("Mobile Safari", "iOS", "mobile"),
    f"{_IOS} Mobile/15E148 NAVER(inapp; search; 1100; 12.9.3; 16PRO)": ("Mobile Safari", "iOS", "mobile"),
    f"{_IOS} Version/18.3 Mobile/15E148 DuckDuckGo/7 Safari/605.1.15": ("DuckDuckGo Mobile", "iOS", "mobile"),
    REACT_NATIVE_IOS: ("Mobile Safari", "iOS", "mobile"),
    "okhttp/4.12.0": (None, None, None),
    "Example/1 CFNetwork/1494.0.7 Darwin/23.4.0": (None, "iOS", None),
    f"{_MAC} AppleWebKit/537.36 (KHTML, like Gecko) Slack/4.40 Chrome/130.0.0.0 Electron/33.0 Safari/537.36": (
        "Chrome",
        "Mac OS",
        "desktop",
    ),
    "Mozilla/5.0 (PlayStation; PlayStation 5/9.00) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/15.4 Safari/605.1.15": (
        "Safari",
        None,
        "console",
    ),
    f"{_WINDOWS[:-1]}; Xbox; Xbox One) {_CHROME} Edge/44.18363": ("Edge", "Windows", "console"),
    "Mozilla/5.0 (SMART-TV; Linux; Tizen 7.0) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/5.0 Chrome/94.0 TV Safari/537.36": (
        "Samsung Internet",
        "Tizen",
        "smarttv",
    ),
    "Mozilla/5.0 (Web0S; Linux/SmartTV) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Safari/537.36 WebAppManager": (
        "Chrome",
        "webOS",
        "smarttv",
    ),
    "Mozilla/5.0 (X11; Linux x86_64; Quest 3) AppleWebKit/537.36 (KHTML, like Gecko) OculusBrowser/40.0 Chrome/130.0 VR Safari/537.36": (
        "Oculus Browser",
        "Android",
        "xr",
    ),
    "Mozilla/5.0 (Linux; Android 11; KFTRWI) AppleWebKit/537.36 (KHTML, like Gecko) Silk/130.1 like Chrome/130.0 Safari/537.36": (
        "Amazon Silk",
        "Android",
        "tablet",
    ),
}
