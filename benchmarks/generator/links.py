"""What ties people to each other and to projects: the slots that take two steps to reach."""

from benchmarks.generator import words
from benchmarks.generator.slots import Slot

COLLEAGUE = Slot(
    name="colleague",
    values=words.NAMES,
    own=(
        "My new colleague is called {value}",
        "{value} and I have been colleagues since the merger",
    ),
    about=(
        "{name} and {value} became colleagues last year",
        "{name} shares an office with {value}",
        "{name} - colleague: {value}",
    ),
    asked=(
        "Who is {name}'s colleague?",
        "Who works side by side with {name}?",
        "Who does {name} know from the job?",
    ),
    aside="Lunch was fun, {value} from my team told the story of the lift",
    mine=(
        "Who is my colleague?",
        "Who works side by side with me?",
        "Who do I know from the job?",
    ),
)
PROJECT = Slot(
    name="project",
    values=words.PROJECTS,
    own=(
        "They put me on a project called {value}",
        "My project {value} has begun at last",
    ),
    about=(
        "{name} was handed the project {value} by the board",
        "{name} runs {value} more or less alone",
        "{name} - assignment: {value}",
    ),
    asked=(
        "Which project is {name} busy with?",
        "What is {name}'s project?",
        "What undertaking is {name} responsible for?",
    ),
    aside="I'd join you for a swim, but {value} eats all my evenings",
    mine=(
        "Which project am I busy with?",
        "What is my project?",
        "What undertaking am I responsible for?",
    ),
)
DEADLINE = Slot(
    name="deadline",
    values=words.DEADLINES,
    own=(),
    about=(
        "{name} has to be finished by {value}",
        "The client wants {name} on the table on {value}, no later",
        "No holidays for anybody on {name} before {value}",
        "{name} - due: {value}",
    ),
    asked=(
        "What is the deadline of {name}?",
        "When must {name} be ready?",
        "Until when is there time for {name}?",
    ),
)
BUDGET = Slot(
    name="budget",
    values=words.BUDGETS,
    own=(),
    about=(
        "They set aside {value} for {name}",
        "{name} may cost {value}, not a cent more",
        "The board was shocked that {name} swallows {value}",
        "{name} - funds: {value}",
    ),
    asked=(
        "What is the budget of {name}?",
        "How much money is there for {name}?",
        "What may be spent on {name}?",
    ),
)
TOOL = Slot(
    name="tool",
    values=words.TOOLS,
    own=(),
    about=(
        "Everything about {name} is kept in {value}",
        "The people of {name} swear by {value}",
        "Ask for a login to {value} if you want to help with {name}",
        "{name} - software: {value}",
    ),
    asked=(
        "What tool does {name} use?",
        "With which program is {name} managed?",
        "Which application holds the tasks of {name}?",
    ),
)
OWNER = Slot(
    name="owner",
    values=words.OWNERS,
    own=(),
    about=(
        "{value} answers for {name} upstairs",
        "If {name} fails, it is {value} who has to explain",
        "Nothing about {name} is signed without {value}",
        "{name} - accountable: {value}",
    ),
    asked=(
        "Who is the owner of {name}?",
        "Who is in charge of {name}?",
        "Who is responsible for {name}?",
    ),
)

OF_PROJECT = (DEADLINE, BUDGET, TOOL, OWNER)
