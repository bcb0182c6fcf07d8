"""Word lists, written for this project: at least 40 to a list, so that values rarely collide."""

NAMES = tuple(
    "Ablin Berrit Corvin Daneke Elowar Fenja Gorvan Hesper Ilvane Jorund Kestra Lomir Mavik Nerys"
    " Orlan Pernel Quilla Ravik Selwen Tavira Ulmar Vesna Wendrin Xandor Yseult Zoltar Aldith"
    " Brannok Cerise Dorvik Emrys Fjola Galvin Hanneke Ingrit Jovan Katell Lioba Mirko Nolwen Osvin"
    " Petra Rilke Sanna Torvald Ursin Velda Wynne".split()
)
CITIES = tuple(
    "Lyon Ghent Porto Krakow Bergen Turin Graz Tartu Seville Leipzig Utrecht Malmo Brno Galway"
    " Split Bilbao Aarhus Basel Trieste Nantes Riga Plovdiv Tampere Cork Padua Zaragoza Linz Gdansk"
    " Ljubljana Coimbra Rouen Maribor Uppsala Ostrava Verona Salamanca Bruges Kaunas Odense"
    " Innsbruck Varna Lugano Dijon Cordoba".split()
)
EMPLOYERS = tuple(
    f"{first} {second}"
    for first in "Halden Brightwater Korvo Lindqvist Marrow Northgate Ostrel Pinefield".split()
    for second in "Logistics Optics Foundry Textiles Labs Press".split()
)
ROLES = tuple(
    "translator,welder,paralegal,cartographer,beekeeper,actuary,bookbinder,radiographer,"
    "locksmith,florist,geologist,court clerk,pastry chef,train driver,copy editor,plumber,"
    "midwife,surveyor,sound engineer,glazier,tax adviser,archivist,pharmacist,carpenter,"
    "stage manager,dietician,crane operator,proofreader,statistician,tailor,veterinarian,"
    "librarian,roofer,optician,puppeteer,speech therapist,brewer,tram conductor,notary,"
    "forester,sign painter,dental nurse".split(",")
)
FOODS = tuple(
    "shellfish,walnuts,gluten,celery,aubergine,cow's milk,peanuts,mustard,soy,sesame,mushrooms,"
    "eggs,lupin,garlic,raw onion,pork,beef,mango,strawberries,tomatoes,buckwheat,almonds,lentils,"
    "chickpeas,oats,maize,cashews,kiwi,pineapple,coriander,pistachios,tuna,mackerel,veal,rye,"
    "hazelnuts,anchovies,beetroot,rhubarb,caffeine,honey,liquorice".split(",")
)
PETS = tuple(
    "corn snake,whippet,parakeet,hedgehog,tortoise,ferret,beagle,chinchilla,gecko,cockatiel,"
    "poodle,rabbit,guinea pig,axolotl,canary,dachshund,hamster,goldfish,Maine Coon,iguana,"
    "terrier,lovebird,newt,donkey,goose,collie,sphynx cat,gerbil,macaw,spaniel,pony,stick insect,"
    "hermit crab,greyhound,chameleon,finch,husky,duck,alpaca,pug,tarantula,betta fish".split(",")
)
CARS = tuple(
    f"{make} {model}"
    for make in "Averon Belmar Cintra Dorado Esker Falcone".split()
    for model in "Sprint Tourer 40 Estate Volta Mini Cargo".split()
)
LANGUAGES = tuple(
    "Basque,Finnish,Swahili,Korean,Welsh,Portuguese,Turkish,Icelandic,Hindi,Czech,Greek,Arabic,"
    "Hungarian,Catalan,Vietnamese,Polish,Japanese,Hebrew,Romanian,Thai,Maltese,Dutch,Persian,"
    "Estonian,Tagalog,Bengali,Irish,Slovene,Quechua,Danish,Georgian,Urdu,Breton,Albanian,"
    "Mandarin,Norwegian,Yoruba,Latvian,Armenian,Croatian,Maori,Tamil".split(",")
)
HOBBIES = tuple(
    "fencing,pottery,birdwatching,bouldering,origami,rowing,calligraphy,archery,juggling,"
    "chess problems,wood carving,salsa,stargazing,knitting,foraging,bookbinding,kite flying,"
    "open-water swimming,geocaching,model trains,improv theatre,beekeeping,soap making,"
    "table tennis,mosaics,trail running,banjo,watercolours,fly fishing,darts,bonsai,"
    "choir singing,skateboarding,candle making,crosswords,curling,quilting,unicycling,"
    "genealogy,glass blowing,orienteering,tap dancing".split(",")
)
PROJECTS = tuple(
    "Amberjack,Basalt,Cinder,Driftwood,Evergreen,Foxglove,Granite,Harrier,Indigo,Juniper,Kestrel,"
    "Lantern,Meridian,Nimbus,Obsidian,Peregrine,Quartz,Redstart,Saffron,Thistle,Umbra,Verdigris,"
    "Willow,Xenon,Yarrow,Zephyr,Anvil,Beacon,Cobalt,Dynamo,Ember,Falcon,Gossamer,Halcyon,Ivory,"
    "Jigsaw,Keystone,Larkspur,Mistral,Nocturne,Orchid,Palisade".split(",")
)
TOOLS = tuple(
    f"{first}{second}"
    for first in "Flow Grid Note Plan Stack Track".split()
    for second in "Forge Pilot Nest Board Loom Desk Mill".split()
)
BUDGETS = tuple(f"{thousands},{thousands % 9 + 1}00 euros" for thousands in range(12, 96, 2))
DEADLINES = tuple(
    f"the {day} of {month}"
    for month in "January March May July September November".split()
    for day in ("3rd", "7th", "12th", "16th", "21st", "25th", "29th")
)
OWNERS = tuple(
    f"{title} {name}"
    for title in ("Dr", "Professor")
    for name in "Abara Bexley Castellan Dunmore Eriksholm Farrow Gallas Hartwig Imre Jessop Kovalt"
    " Lachlan Mortimer Nyberg Okonjo Pruitt Quennell Rosswell Strand Thackeray Umber".split()
)
SYLLABLES = tuple("bra cly dro fen gru hox jav kel lum mor nix pru quo rav sil tor vex wob".split())
"""Words that stand nowhere else are made of three of these."""

EVENTS = tuple(
    tuple(pair.split("|"))
    for pair in (
        "crossed the finish line at the harbour run|harbour race",
        "adopted a stray from the shelter|adoption of the stray",
        "passed the driving test|driving exam",
        "broke a wrist on the ice|wrist injury",
        "sold the old piano|piano sale",
        "gave a talk at the lighthouse museum|museum lecture",
        "won the village quiz|quiz victory",
        "had a wisdom tooth out|tooth operation",
        "planted an apple tree for the christening|apple tree planting",
        "got stuck in the lift for three hours|lift breakdown",
        "signed the lease on the workshop|workshop contract",
        "repainted the kitchen yellow|kitchen makeover",
        "lost a passport on the ferry|passport mishap",
        "met the mayor at the fair|meeting with the mayor",
        "finished the evening course in welding|welding diploma",
        "hosted twelve cousins for dinner|dinner for the cousins",
        "found a Roman coin in the garden|coin discovery",
        "slept on the glacier|night on the glacier",
        "had the bicycle stolen outside the library|bicycle theft",
        "sang solo in the cathedral|cathedral performance",
        "donated blood for the tenth time|blood donation",
        "moved the greenhouse to the south side|greenhouse relocation",
        "filed the patent for the hinge|patent application",
        "rode a camel at the circus|camel ride",
        "cooked for the mountain rescue crew|rescue crew meal",
        "crashed the drone into the pond|drone accident",
        "got engaged on the old bridge|engagement",
        "sat for the portrait painter|portrait session",
        "restored the clock in the tower|tower clock repair",
        "was called up for jury service|jury duty",
        "sailed around the island alone|solo island voyage",
        "published a poem in the gazette|gazette poem",
        "flooded the cellar by mistake|cellar flood",
        "took the cat to the eye surgeon|cat's eye treatment",
        "voted in the cooperative's election|cooperative ballot",
        "bought a loom at auction|loom purchase",
        "climbed the church spire|spire ascent",
        "opened a stall at the flea market|flea market stall",
        "recorded a demo in the studio|studio recording",
        "taught the neighbours to waltz|waltz lesson",
        "saw the comet from the roof|comet sighting",
        "handed in the thesis on moss|moss dissertation",
        "caught the night train to the coast|coast trip by rail",
        "baked the wedding cake for the twins|twins' wedding cake",
    )
)
"""What happened, in the past tense after a name or "I"; and how somebody else would call it."""
