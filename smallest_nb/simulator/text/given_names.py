"""Given names that capitals and redaction know. Data only."""

from __future__ import annotations

__all__ = ["AMBIGUOUS_NAMES", "GIVEN_NAMES", "NOT_NAMES"]

_US = """
james robert john michael david william richard joseph thomas charles christopher daniel matthew anthony donald steven
paul andrew joshua kenneth kevin brian george timothy ronald edward jason jeffrey ryan jacob gary nicholas eric
jonathan stephen larry justin scott brandon benjamin samuel gregory alexander patrick raymond dennis jerry tyler aaron
jose adam nathan henry douglas zachary kyle walter ethan jeremy harold keith roger noah gerald carl terry arthur austin
lawrence jesse dylan bryan joe jordan billy bruce albert willie gabriel logan alan juan wayne roy ralph randy eugene
vincent russell louis bobby philip johnny tommy mike steve dave chris matt tom jim ben sam dan
mary patricia jennifer linda elizabeth barbara susan jessica sarah karen lisa nancy betty margaret sandra ashley
kimberly emily donna michelle carol amanda melissa deborah stephanie rebecca sharon laura cynthia kathleen amy angela
shirley anna brenda pamela emma nicole helen samantha katherine christine debra rachel carolyn janet catherine maria
diane ruth julie olivia joyce virginia victoria kelly lauren christina joan evelyn judith megan andrea cheryl hannah
jacqueline martha gloria teresa ann sara madison kathryn abigail sophia frances jane alice judy isabella julia denise
danielle marilyn beverly theresa diana brittany natalie doris kate alexis kayla lori jenny lucy
"""
_BRITISH = """
oliver archie alfie freddie theo finley ewan callum hamish angus alistair nigel graham trevor clive ian stuart neil
gareth rhys owen gavin simon duncan malcolm rupert hugo toby barnaby jasper sebastian giles tristan simone fiona
gemma imogen poppy isla freya millie elsie matilda phoebe eleanor harriet beatrice georgina philippa nicola
siobhan niamh bronwen cerys gwen moira ailsa tamsin francesca annabel zara lottie rosie hattie
"""
_INDIAN = """
aarav aditya ajay akash akshay amit amitabh anand aniket anil ankit arjun arun ashish ashok ashwin bharat chirag deepak
dinesh ganesh gaurav gopal govind harish hemant imran jagdish jatin kamal karan kartik kishore krishna kunal lalit
mahesh manish manoj mohan mohit mukesh naveen nikhil nitin pankaj pradeep prakash pranav prashant praveen rahul raj
rajesh rajiv rakesh ramesh ranjit ravi rohan rohit sachin sandeep sanjay satish shyam siddharth sudhir sumit sunil
suresh tarun tushar varun vijay vikas vikram vinay vinod vishal vivek yash
aarti aditi aishwarya ananya anita anjali ankita archana bhavna deepa deepika divya gita isha jaya jyoti kajal kavita
kavya komal lakshmi lata madhuri mamata meena meera megha mira nandini neha nisha pallavi pooja prachi preeti priya
priyanka radha rashmi rekha renu riya sadhana sangeeta sarita seema shalini shilpa shreya shruti sita smita sneha sonia
sunita sushma swati tanvi usha vandana vidya
"""
_HINDI = """
अजय अमित अनिल अंकित अर्जुन अरुण अशोक दीपक दिनेश गणेश गौरव करण कृष्ण मनीष मनोज मोहन मुकेश निखिल पंकज प्रकाश राहुल राज
राजेश राकेश रमेश रवि रोहन रोहित सचिन संदीप संजय श्याम सुनील सुरेश वरुण विजय विक्रम विनोद विशाल विवेक
अंजलि अनीता दिव्या दीपिका गीता कविता लता मीना मीरा नेहा निशा पूजा प्रीति प्रिया प्रियंका राधा रेखा रिया सीमा शिल्पा
श्रेया स्नेहा सुनीता सीता स्वाति
"""

GIVEN_NAMES = frozenset(f"{_US} {_BRITISH} {_INDIAN} {_HINDI}".split())
"""Lower case; none of them an ordinary English word."""

AMBIGUOUS_NAMES = frozenset(
    """
    will may mark grace hope rose june april august art bill jack frank joy faith dawn summer autumn pat sue drew chase
    grant rich rob bob nick ray gene guy dean earl miles max jean jasmine lily daisy ivy violet ruby amber crystal
    heather holly iris olive pearl robin penny victor christian harry peter grey gray hunter mason carter taylor dev ram
    asha kiran maya sun sky star angel destiny chance trinity harmony melody precious sandy rusty woody dusty buddy
    """.split()
)
"""Names that are words as well: names only if the speaker says so."""

NOT_NAMES = frozenset(
    """
    a an the and or but so if then than that this these those there here i me my mine you your yours he him his she her
    hers it its we us our ours they them their theirs who whom whose which what when where why how not no yes yeah okay
    ok am is are was were be been being do does did done doing have has had having can could would shall should might
    must to of in on at by for from with without about into onto over under after before between through during since
    until till as up down out off again back now later today tomorrow tonight yesterday soon maybe please sorry thanks
    thank hello hi hey well just only also too very really quite all any some every each both few many more most other
    same such calling speaking talking trying looking going coming getting making asking saying said says say tell told
    call called calls go goes get got give gave take took make made know knew think thought want wanted need needed like
    liked see saw come came let put use used work works worked working live lives living spelled spelt spell written
    one two three four five six seven eight nine ten zero oh first second third last next new old good great fine happy
    glad ready sure crazy late early right wrong true false unknown important private secret confidential changed
    missing spelling name names surname number phone sir madam ma'am doctor mister miss mrs mr ms dr anything something
    nothing everything anytime sometime whenever whatever however because while though although still already even ever
    never always often once twice way morning afternoon evening night day week month year monday tuesday wednesday
    thursday friday saturday sunday january february march july september october november december when's what's it's
    i'm i've i'll i'd you're we're they're he's she's that's there's don't can't won't isn't office home mobile directly
    है हैं हूँ हूं था थी और मैं मेरा मेरी मेरे से का की के को में पर बोल रहा रही जी नहीं क्या यह वह आप आपका नाम कुछ बता बताओ भी ही तो
    """.split()
)
"""Words that follow "my name is" or "call me" without being a name."""
