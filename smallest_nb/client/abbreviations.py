"""Abbreviations that end with a full stop and no sentence, and that sentencex 1.0 does not know.

What stands here was tried on sentencex: it cut the sentence behind each of them. Words of other scripts than Latin are
looked up whatever the language, because texts mix languages; Latin ones by language, because "al." ends a sentence in
English and none in Polish. Left out is what often ends a sentence as well, such as "etc." and "itd.".
"""
# ruff: noqa: RUF001 - letters of many scripts look like Latin ones

from __future__ import annotations

__all__ = ["is_abbreviation"]

_OTHER_SCRIPTS = """
डॉ डा श्री श्रीमती सुश्री कु कुमारी प्रो पं स्व कि.मी कि मी से.मी मि.मी कि.ग्रा ग्रा कि.ली ली रु रू सं क्र पू ई.पू उ.प्र म.प्र आं.प्र
हि.प्र इंजी ले कै मे.ज कर्न मि पृ नं लि प्रा एड अ‍ॅड ऍड मो जि ता पो मु स.न वि.सं शं चौ मा सौ चि इ.स ई.स इ जन फर अग सित अक्टू नव दिस
एम ए बी सी डी ई एफ जी एच जे के एल एन ओ पी क्यू आर एस टी यू वी डब्ल्यू एक्स वाई जेड
ડૉ ડો શ્રી શ્રીમતી સુશ્રી પ્રો પ્રા રૂ કિ.મી કિ.ગ્રા સે.મી નં કુ સ્વ પં લિ ઇ.સ ઈ.સ તા જિ એડ મિ એમ એસ કે પી
ਡਾ ਸ੍ਰੀ ਸ੍ਰੀਮਤੀ ਸ ਸ੍ਰ ਪ੍ਰੋ ਰੁ ਕਿ.ਮੀ ਕਿ.ਗ੍ਰਾ ਨੰ ਐਡ ਲਿ ਗਿ ਬੀ ਐਮ ਐਸ ਕੇ ਪੀ
ডা ড ডঃ মো মোঃ মোসা শ্রী শ্রীমতী অধ্যা অধ্যাপক প্রফে প্রফেসর রু কি.মি কি.গ্রা সে.মি মি খ্রি খ্রিঃ মিসেস নং লি মু পৃ ইঞ্জি অ্যাড এস এম কে পি
ଡା ଡ ଡଃ ଶ୍ରୀ ଶ୍ରୀମତୀ ପ୍ରଫେ ପ୍ରଫେସର ପ୍ରୋ କି.ମି କି.ଗ୍ରା ସେ.ମି ଟ ସ୍ୱ ନଂ ମି ଏମ ଏସ କେ ପି
டாக்டர் டாக் திரு திருமதி செல்வி பேரா முனைவர் ரூ கி.மீ கி.கி செ.மீ கி.மு கி.பி மு எண் பக் வ.உ.சி மா.செ எம் எஸ் கே பி
డా డాక్టర్ శ్రీ శ్రీమతి ప్రొ ప్రొఫెసర్ కి.మీ కి.గ్రా సెం.మీ రూ క్రీ.శ క్రీ.పూ నం కు చి లి మి ఎం ఎస్ కె పి
ಡಾ ಶ್ರೀ ಶ್ರೀಮತಿ ಪ್ರೊ ಕಿ.ಮೀ ಕಿ.ಗ್ರಾಂ ಸೆಂ.ಮೀ ರೂ ಕ್ರಿ.ಶ ಕ್ರಿ.ಪೂ ಕು ನಂ ಲಿ ಮಿ ಎಂ ಎಸ್ ಕೆ ಪಿ
ഡോ ശ്രീ ശ്രീമതി പ്രൊഫ പ്രൊ കി.മീ കി.ഗ്രാം സെ.മീ രൂ നം അഡ്വ ക്രി ക്രി.വ എം എസ് കെ പി
т.е напр млн рис коп обл г-н г-жа
κ.ά αρ σελ τηλ δηλ βλ οδ
د أ م ص ه هـ أ.د ج ت ق.م ب د.م ص.ب ر س ط
ד"ר ד״ר פרופ גב מס רח עמ שד טל
"""

_LATIN = {
    "en": "ms vol ed approx rs nos smt shri sri",
    "es": "d dña aprox nro mons",
    "fr": "m mme mmes mlle dr pr me st ste mgr bd min max",
    "de": "abs inkl tel geb jh bspw dipl max bd kap abb",
    "it": "dott.ssa pag n s",
    "nl": "mevr mw d.w.z o.a incl excl",
    "sv": "t.ex dvs kl inkl tel jfr resp",
    "pt": "srta profa pág av r nº tel cap vol núm d aprox",
    "pl": "dr inż mgr al tel godz m.in tys mln św ks nr str lek gen por tzw zob",
    "fi": "ks klo nro puh os ts ns tj",
    "no": "f.eks dvs kl evt tlf pga inkl",
    "tr": "doç av bkz örn sok cad hz mah apt tel yrd öğr gör alb sn",
    "id": "bpk ibu jl hj ir tgl hlm tn ny sdr kec kab",
    "ms": "en pn cik jln hj tn kg hlm dato ir lrg",
    "vi": "ts ths gs pgs tp bs ks th.s tr đ",
}
_TITLES = frozenset("dr mr mrs ms prof smt shri".split())
"""Latin titles, which texts in other scripts use too."""

_ANYWHERE = frozenset(_OTHER_SCRIPTS.split())
_BY_LANGUAGE = {language: frozenset(words.split()) for language, words in _LATIN.items()}


def is_abbreviation(word: str, language: str) -> bool:
    """Say whether a full stop behind this word ends no sentence.

    Args:
        word: Without the full stop; with the full stops inside it, as in `कि.मी`.
        language: Code of the text's language.
    """
    if word in _ANYWHERE:
        return True
    if not word.isascii() and "." in word and not any(c.isupper() or c.islower() for c in word):
        return all(len(piece) <= 4 for piece in word.split("."))  # initials of a script without capitals
    known = word.casefold()
    return known in _BY_LANGUAGE.get(language, ()) or (known in _TITLES and word[:1].isupper())
