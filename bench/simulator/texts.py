"""What is said: everyday and phonetically balanced English, rare names, and one sentence in each language."""

# ruff: noqa: RUF001 - other scripts
from __future__ import annotations

__all__ = ["BALANCED", "EVERYDAY", "LANGUAGES", "NAMES", "VOICES", "signal_text"]

import random

VOICES = ("magnus", "sophia", "jordan", "lauren", "liam", "meher")

EVERYDAY = (
    "The train to the city leaves early in the morning.",
    "I would like to change the address on my account.",
    "Please call me back before the end of the day.",
    "The weather will be cold and cloudy this weekend.",
    "Can you tell me when the package will arrive?",
    "She walked along the river and looked at the water.",
    "We need more time to finish the work.",
    "Thank you for calling, how can I help you today?",
    "He opened the door and turned on the light.",
    "The meeting was moved to the room on the second floor.",
)

# The first list of the Harvard sentences (IEEE recommended practice for speech quality measurements, 1969).
BALANCED = (
    "The birch canoe slid on the smooth planks.",
    "Glue the sheet to the dark blue background.",
    "It's easy to tell the depth of a well.",
    "These days a chicken leg is a rare dish.",
    "Rice is often served in round bowls.",
    "The juice of lemons makes fine punch.",
    "The box was thrown beside the parked truck.",
    "The hogs were fed chopped corn and garbage.",
    "Four hours of steady work faced us.",
    "A large size in stockings is hard to sell.",
)

NAMES = (
    ("Please send the invoice to Anneke Vandermeer before noon.", ("Anneke", "Vandermeer")),
    ("The flight to Reykjavik was delayed by the storm.", ("Reykjavik",)),
    ("Doctor Quillfeather will call you back tomorrow.", ("Quillfeather",)),
    ("I would like to speak with Oyelaran about the order.", ("Oyelaran",)),
    ("Our office moved from Szeged to Ljubljana.", ("Szeged", "Ljubljana")),
    ("The new tablet is called Zentrivo and it is very small.", ("Zentrivo",)),
)
"""Sentences with the names in them that no general language model expects."""

# The first sentence of article 1 of the Universal Declaration of Human Rights, or what is close to it.
LANGUAGES = {
    "ar": "يولد جميع الناس أحرارا متساوين في الكرامة والحقوق.",
    "bn": "সমস্ত মানুষ স্বাধীনভাবে সমান মর্যাদা এবং অধিকার নিয়ে জন্মগ্রহণ করে।",
    "de": "Alle Menschen sind frei und gleich an Würde und Rechten geboren.",
    "el": "Όλοι οι άνθρωποι γεννιούνται ελεύθεροι και ίσοι στην αξιοπρέπεια και τα δικαιώματα.",
    "en": "All human beings are born free and equal in dignity and rights.",
    "es": "Todos los seres humanos nacen libres e iguales en dignidad y derechos.",
    "fi": "Kaikki ihmiset syntyvät vapaina ja tasavertaisina arvoltaan ja oikeuksiltaan.",
    "fr": "Tous les êtres humains naissent libres et égaux en dignité et en droits.",
    "gu": "પ્રતિષ્ઠા અને અધિકારોની દૃષ્ટિએ સર્વ માનવો જન્મથી સ્વતંત્ર અને સમાન હોય છે.",
    "he": "כל בני האדם נולדו בני חורין ושווים בערכם ובזכויותיהם.",
    "hi": "सभी मनुष्यों को गौरव और अधिकारों के मामले में जन्मजात स्वतन्त्रता और समानता प्राप्त है।",
    "id": "Semua orang dilahirkan merdeka dan mempunyai martabat dan hak-hak yang sama.",
    "it": "Tutti gli esseri umani nascono liberi ed eguali in dignità e diritti.",
    "ja": "すべての人間は、生まれながらにして自由であり、かつ、尊厳と権利とについて平等である。",
    "kn": "ಎಲ್ಲಾ ಮಾನವರೂ ಸ್ವತಂತ್ರರಾಗಿಯೇ ಜನಿಸಿದ್ದಾರೆ.",
    "ko": "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다.",
    "ml": "മനുഷ്യരെല്ലാവരും തുല്യാവകാശങ്ങളോടും അന്തസ്സോടും സ്വാതന്ത്ര്യത്തോടുംകൂടി ജനിച്ചവരാണ്.",
    "mr": "सर्व मानवी व्यक्ति जन्मतःच स्वतंत्र आहेत व त्यांना समान प्रतिष्ठा व समान अधिकार आहेत.",
    "ms": "Semua manusia dilahirkan bebas dan samarata dari segi kemuliaan dan hak-hak.",
    "nl": "Alle mensen worden vrij en gelijk in waardigheid en rechten geboren.",
    "no": "Alle mennesker er født frie og med samme menneskeverd og menneskerettigheter.",
    "or": "ସମସ୍ତ ମନୁଷ୍ୟ ଜନ୍ମକାଳରୁ ସ୍ୱାଧୀନ ଏବଂ ମର୍ଯ୍ୟାଦା ଓ ଅଧିକାରରେ ସମାନ।",
    "pa": "ਸਾਰਾ ਮਨੁੱਖੀ ਪਰਿਵਾਰ ਆਪਣੀ ਮਹਿਮਾ, ਸ਼ਾਨ ਅਤੇ ਹੱਕਾਂ ਦੇ ਪੱਖੋਂ ਜਨਮ ਤੋਂ ਹੀ ਆਜ਼ਾਦ ਹੈ।",
    "pl": "Wszyscy ludzie rodzą się wolni i równi pod względem swej godności i swych praw.",
    "pt": "Todos os seres humanos nascem livres e iguais em dignidade e em direitos.",
    "ru": "Все люди рождаются свободными и равными в своём достоинстве и правах.",
    "sv": "Alla människor är födda fria och lika i värde och rättigheter.",
    "ta": "மனிதப் பிறிவியினர் சகலரும் சுதந்திரமாகவே பிறக்கின்றனர்.",
    "te": "ప్రతిపత్తిస్వత్వముల విషయమున మానవులెల్లరును జన్మతః స్వతంత్రులును సమానులును నగుదురు.",
    "tr": "Bütün insanlar hür, haysiyet ve haklar bakımından eşit doğarlar.",
    "vi": "Tất cả mọi người sinh ra đều được tự do và bình đẳng về nhân phẩm và quyền lợi.",
    "zh": "人人生而自由，在尊严和权利上一律平等。",
}

_VOCABULARY = (
    "river garden window morning letter yellow summer winter market simple number little people silver table paper "
    "water music green bridge doctor travel orange castle forest island kitchen button pocket"
).split()


def signal_text(words: int, seed: int) -> str:
    """Return words that are written as they are heard; others for each seed."""
    choose = random.Random(seed)
    return " ".join(choose.choice(_VOCABULARY) for _ in range(words))
