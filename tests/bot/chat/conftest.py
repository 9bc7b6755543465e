from tests.support.bot.conversation_fixtures import *
