from __future__ import annotations

from footfall.currencies import DIGITS

TWO_DIGITS = (
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CNY "
    "COP COU CRC CUC CUP CVE CZK DKK DOP DZD EEK EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HRK HTG HUF IDR "
    "ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL LTL LVL MAD MDL MGA MKD MMK MNT MOP MRO MRU MUR MVR MWK MXN "
    "MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SLL SOS SRD "
    "SSP STD STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VEF VES WST XAD XCD XCG YER ZAR ZMW ZWG ZWL"
)
OTHERS = {
    0: "BIF BYR CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}


def test_a_currency_that_payments_were_stored_in_stays_known_with_its_digits() -> None:
    """Else a newer table would make stored amounts unreadable, or worth a hundred times as much."""
    stored = {code: digits for digits, codes in {2: TWO_DIGITS, **OTHERS}.items() for code in codes.split()}
    assert {code: DIGITS.get(code) for code in stored} == stored


def test_what_has_no_minor_unit_is_no_currency() -> None:
    assert not {"XAU", "XAG", "XDR", "XTS", "XXX"} & DIGITS.keys()


def test_codes_are_three_capital_letters() -> None:
    assert all(len(code) == 3 and code.isalpha() and code.isupper() and code.isascii() for code in DIGITS)
