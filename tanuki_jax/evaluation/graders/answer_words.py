"""Words of Japanese and English answers that introduce, conclude, correct, explain or refuse, and their sentences."""

import re
from collections.abc import Iterator

LABEL = re.compile(
    r"(?:(?:最終(?:的な|の)?)?(?:(?<![一-龥模])(?:答え?|解答|回答|正解|解|結論)|求める(?!に|ため|と|こと|場合|方法|手順|式|の)[^はがを:=、。]{1,12})"
    r"|\b(?:final |correct )*(?:answer|solution)\b)[】\])〕」\"']?"
    r"(?:として(?:は)?|\(.{1,8}\))?\s*(?:(?<=[】\]〕])|は|も(?=\s*[-\d])|が(?=[^あ])|:|=|→|⇒|、|-(?=\s)|\bis\b|\s(?=[-\d約])|$)[\s:、]*|####\s*",
    re.IGNORECASE,
)
"""Words that introduce a final answer."""
HEADING = re.compile(r"(?:[【\[〔「]\s*(?:回答|解答|解)\s*[】\]〕」]\s*:?|(?:回答|解答|解)\s*(?::|$))\s*")
"""Label that may also stand before a whole solution."""
HEADING_LINE = re.compile(rf"^{HEADING.pattern}(?=\n)", re.MULTILINE)
"""Label of that kind in a line of its own."""
BEHIND = re.compile(
    r"[がは](?:最終的な|本当の)?(?:正解|答え|正しい(?:答え|値)?|求める[^、。]{1,8})(?:です|とな|にな|だ|である|$|。)"
)
"""Words that say of what stands before them that it is the answer."""
POINTS_ON = re.compile(r"次の|以下|下記|こちら|following|below")
"""Words that announce the answer in the next sentence."""
ANNOUNCING = re.compile(r"(?:^|[、,:])\s*$")
"""End of a sentence that leaves the answer to the next one."""
CONCLUSION = re.compile(
    r"したがって|従って|よって(?!は)|ゆえに|故に|以上(?:より|から|のこと)|∴|このことから|これ(?:より|らのことから)|だから|^ですから|^なので"
    r"|そのため|^結局|結果として|結論と|ということは|というわけで|まとめると|正しくは|\b(?:therefore|thus|hence|so|overall)\b",
    re.IGNORECASE,
)
"""Words that begin a conclusion."""
REASON = re.compile(
    r"^(?:なぜなら|理由|というのも|because\b)|(?:から|ため|ゆえ)(?:です|である|だ|でございます)?[。!]*$", re.IGNORECASE
)
"""Sentence that gives a reason."""
REMARK = re.compile(
    r"^(?:なお|ちなみに|ただし|補足|参考|検算|確認|確かめ|検証|実際に[^。、]{0,12}(?:代入|確認|計算)し|注意?[:：]|※|例えば|たとえば|このとき|そのとき|一方|逆に|反対に|もし|仮に"
    r"|また(?!は)|note\b|for example\b|by the way\b|check\b)",
    re.IGNORECASE,
)
"""Sentence that adds something to an answer, such as なお or ただし."""
PLAN = re.compile(
    r"(?:求め|考え|計算し|数え|調べ|確認し|使い|用い|代入し|整理し|解い?[てき]|始め|見)(?:ます|ましょう|る|てみ|ていき)[^、。]{0,8}[。!:]*$"
    r"|必要があります[。!]*$|と(?:します|する|おく|おきます|置きます)[。!]*$"
)
"""Sentence that says what will be done."""
REFUSAL = re.compile(
    r"(?:答え|回答|計算|解答|提供|お伝え|説明|判断|解く|求め|特定|断定)[^。、]{0,14}(?:できません|できかね|でき(?:ない|ず)|いたしかね|られません|られない)"
    r"|(?:回答|お答え)[^。、]{0,6}控え|[わ分判]か(?:りません|らない|りかね|りませんでした)|存じ(?:ません|上げません)|不明です|お問い合わせください"
    r"|情報(?:が|は)[^。、]{0,8}(?:ありません|不足|足り)|苦手です"
    r"|\b(?:can't|cannot|can not|unable to|don't know|not able to)\b",
    re.IGNORECASE,
)
"""Words that refuse an answer."""
BUT = re.compile(r"(?:が|けど|けれど|けれども)[、,]?\s*(?=\S)")
"""Words between a refusal and an answer that is given all the same."""
CORRECTED = re.compile(
    r"訂正|正しくは|間違え(?:まし|てい)|間違いでし|違いまし|違います|(?:いや|いえ|おっと)[、,. …]"
    r"|失礼(?:しま|いた)|すみません|ごめんなさい"
    r"|誤りでし|修正し|見直す|やり直|見落と|\b(?:actually|wait|correction|oops)\b",
    re.IGNORECASE,
)
"""Words that take back what was said before."""
WITHDRAWN = re.compile(r"訂正|間違|違いまし|違います|誤り|修正|見落と")
"""Words that take it back even if no other answer follows."""
UNDECIDED = re.compile(
    r"(?:どちら|いずれ|どれ)[がかも]?(?:の[^、。]{1,6})?(?:正し|答え|正解|本当)[^。]*(?:[わ分]か|言え|いえ|判断|決め|でしょう|不明)"
    r"|(?:答え|解答|解釈|考え方)[^。]{0,4}(?:\d|二|複数|いくつか)[^。]{0,4}考えられ"
)
"""Words that leave open which of several answers is meant."""
IN_FACT = re.compile(r"実際に?は|本当は|よく考えると")
"""Words that may take back what was said before."""
CHECK = re.compile(r"(?:成り立|満た[しす]|正しい(?:こと|です)|一致し|確かめ|確認でき)[^、。]*[。!]*$")
"""Sentence that checks an answer."""
REJECTION = re.compile(
    r"(?:正しくな|正しくあり|適切では|(?:誤り|間違い|不正確|不適切)(?:です|である|だ|となり)|間違って|誤って|できません)[^、。]*[。!]*$"
)
"""Sentence that says of something that it is wrong."""
OTHERWISE = re.compile(r"(?:または|又は|あるいは|もしくは|それとも)")
"""Words that add another answer."""
ASKING = re.compile(r"(?:何|いくら|いくつ|どれ|どの|どう)[^。]*(?:か|\?)[。?]*$")
"""Question."""
UNFINISHED = re.compile(r"(?:[はがをのとでにも=≒÷×+\-、,:(]|なので|ので|から)$")
"""End of a sentence that was cut."""
ENDING = re.compile(
    r"[」』)]*(?:です|でした|でございます|だ|である|だと思います|と思います|になります|となります|でしょう|かな|と思われます|ですね|ですよ)?[。!」』)\s.]*"
)
"""Words behind an answer that is a sentence of its own."""
OPENING = re.compile(r"[\s「『(]*(?:約|およそ|≒|[a-zA-Z]\s*[=は])?\s*(?:[時分秒]速)?[¥$]?\s*")
"""Signs before an amount that is a sentence of its own."""


def sentences(text: str) -> Iterator[str]:
    """Yield the sentences of a plain text, with the signs that end them."""
    text = re.sub(r"(?<=[a-zA-Z0-9)%])\.\s+(?=[A-Z])", "。\n", text)
    text = re.sub(r"(?<=[。、.…\s])(?=(?:いや|いえ|あっ?|おっと)[、,. …])", "\n", text)
    for match in re.finditer(r"[^。!?\n]+[。!?]*", text):
        if match[0].strip():
            yield match[0].strip()
