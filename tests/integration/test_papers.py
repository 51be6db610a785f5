"""What an answer points to can be read where it says."""

import re

from tests.support.system import running_merchant, settings_for


async def test_the_doc_url_of_a_refusal_leads_to_its_paragraph(
    database_url: str, redis_url: str, tenant: str
) -> None:
    async with running_merchant(settings_for(database_url, redis_url), tenant) as merchant:
        refused = await merchant.client.post("/v1/plans", {"name": "Gold", "amount": 1.5})
        page, _, anchor = refused.error["docUrl"].partition("#")
        answer = await merchant.client.get(page.removeprefix(merchant.app.public_url))

    assert anchor == "validation_error"
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    paragraphs = dict(
        re.findall(r'<h2 id="(\w+)">.*?</h2>\s*<p>(.*?)</p>', answer.body.decode(), re.DOTALL)
    )
    assert "Every refused field is listed" in paragraphs[anchor]
