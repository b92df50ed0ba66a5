"""
Language of a word
==================

The task is to predict whether a word is English, German or Spanish. A recurrent network processes
the word letter by letter. Words are ragged sequences of categories. `PerStep(OneHotEncoder())`
encodes the letters as vectors, and is the first step of an ordinary pipeline.
"""

# %%
# Words
# -----
# The data are between 280 and 450 common words of each language, collected for this example.
# Accents and umlauts are removed, because they would identify the language. Words that occur in
# two of the languages are also removed.

from collections import Counter

import matplotlib.pyplot as plt
import numpy as np
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import ConfusionMatrixDisplay
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from skrnn import PerStep, SequenceRNNClassifier
from skrnn.inspection import HiddenStateDisplay, occlusion_importance

ENGLISH = """
    about above across afternoon again against agree airport almost alone along already always
    answer apple around arrive asleep autumn awake beach beard beautiful because become bedroom
    before begin behave behind believe below beneath between beyond birthday blanket blind blood
    blossom board bottle bottom bought bread breakfast breath bridge bright bring broken brother
    brought build burn bury business butcher butterfly button cabbage candle careful carry castle
    catch ceiling change cheap cheek cheese chicken child choose church climb clock cloth cloud
    clothes coast cough count country courage cousin create crowd cupboard curtain daughter dawn
    death deep delight depth desk dirty dream dress drink drought early earth eight empty enough
    evening every eyebrow faithful father feather fence field fight finger fireplace flight flood
    flower follow forehead forest forget forgive fought freedom friend frighten garden ghost
    gather gentle goodbye grass great grow guess happen harvest health hear heaven heavy height
    hollow honey hope house hundred hungry husband inside island judge juice jump kitchen knee
    knife knock knowledge ladder laugh leather leave length letter light listen little loud lovely
    meadow might mirror moonlight morning mother mountain mouth narrow neighbour never newspaper
    night north nothing often orchard paint peace pepper piece pillow playground pleasure pocket
    promise proud quick quiet rainbow reach ready remember ride right river rough scarf school
    scissors season seven shadow shallow sheep shelter shine shoulder shower silence sister sleep
    slow smooth snow spring squirrel steep stone straight strange stream strength strong summer
    sweet teach thank thick thief thing thirsty thought throat through thunder together tomorrow
    tongue tooth tough toward truth twelve under vegetable village voice walk wealth weather
    weight whale wheat wheel whisper white whole window wisdom woman wonder wood world worth wound
    write wrong yellow yesterday young
"""
GERMAN = """
    abend abfahrt ahnung allein angst anfang ankunft antwort apfel arbeit atem aufgabe auge
    ausflug backen bahnhof bald bauch bauer baum bedeuten befehl beginnen bein beispiel berg beruf
    besuch bett biene bild birne blatt blau bleiben blume boden brauchen braun brief brille bringen
    brot bruder brunnen buch burg dach danken dauern decke denken deutlich dick dorf dunkel durst
    ecke ehrlich eiche eigentum einfach einladen eis eisen elend eltern ende eng enkel ente
    entscheiden erde erfahrung erfolg erinnern ernst erst erwachsen erzahlen essen fahren fallen
    falsch farbe feder fehler feiern feind fenster ferien fest feuer finden fisch flasche fleisch
    fliegen fluss fragen frau freiheit fremd freude freund frieden frisch frost fruh garten gast
    geben gebirge geburtstag gedanke geduld gefahr gefallen geheimnis gehen gelb geld gemuse
    geschenk geschichte gesicht gestern gesund gewinnen gewitter glas glauben gleich glocke gluck
    gras greifen gross grund gurke haben hafen hals handel haus haut heben heft heilig heimat
    heiraten heiss helfen hell hemd herbst herz heute hilfe himmel hoch hochzeit hoffnung holz
    horen hund hunger insel jagen jahr jemand jung kalt karte katze kaufen keller kennen kind
    kirche kirsche klein klug knabe knie knochen koch kommen konig kopf korb kraft krank kreuz
    krieg kuche kuchen kugel kuh kurz lachen lage langsam laufen laut leben leer legen lehrer
    leicht leise lernen lesen licht lieben liegen luft luge machen magen mauer meer mensch messer
    milch mitte mond morgen mude mund mut mutter nachbar nacht nadel nass nebel nehmen neu
    niemals obst ofen ohr onkel pferd pflanze quelle rad rauch rechnen regen reich reise richtig
    rucken rufen ruhe sache sagen salz schaf schatten scheinen schenken schiff schlafen schlecht
    schloss schlussel schmerz schnee schnell schon schrank schreiben schuh schule schwach schwarz
    schwer schwester see segel sehen seife sieben sohn sommer sonne spat spiegel spiel sprache
    stadt stein stern stimme strasse stuck stuhl sturm suchen tag tanzen tasche taube teuer tief
    tier tisch tochter tod topf traum traurig treppe treue trinken trocken tur turm ubung uhr
    ursprung vater verein vergessen verlieren verstehen viel vogel volk wachsen wahrheit wald
    wand warten wasser wechsel weg weihnachten wein weisheit weit welt werkzeug wetter wichtig
    wiese winzig wissen woche wohnung wolke wort wunsch wurzel zahn zeichen zeigen zeit zelt
    ziege ziel zimmer zucker zug zukunft zunge zwei zweifel zwiebel
"""
SPANISH = """
    abajo abeja abierto abogado abrazo abrigo abuela aceite aceituna acordar adelante aduana
    afuera agua ahora aire ajedrez alcalde aldea alegre alfombra algodon alguien alma almohada
    alrededor altura amanecer amargo ambos amigo amor ancho anillo anoche antes aprender apretar
    arbol arena armario arroz ayer ayudar azucar azul bailar bajo barato barba barco barrio
    basura batalla beber belleza beso biblioteca bigote blanco boca boda bolsillo bosque botella
    brazo brillar broma bueno buscar caballo cabeza cabra cada caer caja calle calor cama cambiar
    camino camisa campana cansado cantar cara carcel cargar carne carretera carta casa cascada
    castillo cebolla cena cenizas cepillo cerca cereza cerveza cielo cien cinco ciudad clave
    cocina coger cola comer comienzo compra conejo conocer consejo contar corazon correr cortar
    cosa crecer creer cuadro cuando cuarto cuchara cuello cuento cuerpo cueva cuidado culpa danza
    deber decir dedo dejar dentro derecha desayuno desierto despacio despertar detras deuda dibujo
    dicho diente diez dinero doler dormir dueno dulce durante echar edad ejemplo ejercito empezar
    encontrar enero enfermo ensenar entender entonces entrada escalera escribir escuchar escuela
    espada espalda espejo esperar esposa estrella estrecho fabrica fecha feliz feria fiebre flaco
    frente fresa frio fuego fuente fuerza gallina ganar gato gente girar gobierno golpe gordo
    gracias grande grito guante guerra gustar hablar hacer hacia hambre harina helado hermana
    herramienta hielo hierba hierro hijo hilo historia hogar hoja hombre hombro hormiga huerta hueso
    huevo humo iglesia igual invierno isla izquierda jabon jamas jardin jaula joven jueves jugar
    juntos lado ladrillo lagrima lana lapiz largo leche leer lejos lengua lento letra levantar
    leyenda libro ligero limpio llamar llave llegar lleno llevar llorar lluvia lobo lucha luego
    lugar luna madera madre maestro manana mandar manzana mariposa mascara mayor mejilla mejor
    mentira mercado mesa mezcla miedo miel mientras mirar mitad mochila mojado moneda morir mostrar
    muchacho mueble muerte mujer mundo muro nacer nadie naranja nariz navidad negro nieve noche
    nombre nube nuevo nunca obra ocho oeste oido oler olvidar once orilla oro oscuro otono oveja
    padre pagar pais pajaro palabra pared parte pasear pato pecho pedir pelea pensar pequeno perder
    pero perro pesado pescado piel pierna piso plata playa plaza pobre poder pollo ponerse preguntar
    primo pronto pueblo puente puerta quedar quemar querer queso quien quince quitar rama rapido
    recordar red regalo reina reir reloj respuesta rey rico rincon rodilla rojo ropa rueda ruido
    saber sabio salida saltar sangre seguir seis selva semana senora sentir siempre siglo silla
    sobre sobrino soledad sombra sonar sonrisa subir sucio sueno suerte tamano tarde taza techo
    tejado temprano tener tiempo tienda tierra tijeras todavia tomar tormenta trabajo traer tren
    trigo tristeza ultimo unas valle vaso vecino vender ventana verano verdad vestido viaje vida
    viejo viento vivir volver zapato zorro
"""

lists = {"English": ENGLISH, "German": GERMAN, "Spanish": SPANISH}
known = Counter(word for text in lists.values() for word in set(text.split()))
pairs = sorted(
    (word, language)
    for language, text in lists.items()
    for word in set(text.split())
    if known[word] == 1
)
words, y = (np.array(column) for column in zip(*pairs, strict=True))
X = [list(word) for word in words]  # each word is a sequence of letters
for language in lists:
    print(f"{language}: {np.sum(y == language)} words")

# %%
# Cross-validation
# ----------------
# The encoder accepts letters as strings. Networks accept its sparse output too, but the occlusion
# below needs dense arrays. A strong baseline is a logistic regression on the n-grams of the word,
# with one to three letters.

folds = StratifiedKFold(5, shuffle=True, random_state=0)
network = make_pipeline(
    PerStep(OneHotEncoder(handle_unknown="ignore", sparse_output=False)),
    SequenceRNNClassifier(random_state=0),
)
n_grams = make_pipeline(
    CountVectorizer(analyzer="char_wb", ngram_range=(1, 3)), LogisticRegression(max_iter=1000)
)
predicted = {
    "bidirectional GRU, letter by letter": cross_val_predict(network, X, y, cv=folds),
    "logistic regression on n-grams": cross_val_predict(n_grams, words, y, cv=folds),
}
for name, answers in predicted.items():
    print(f"{name:36} accuracy {np.mean(answers == y):.3f}")

# %%
# The n-grams are more accurate. With so few words, the useful information is which pairs and
# triples of letters are frequent in a language. The n-grams contain this information, while the
# network has to learn it. Its accuracy is 0.04 lower, and 0.03 lower with `pooling="max"`.
#
# Words not in the training set
# -----------------------------
# Occlusion replaces one letter at a time by a vector of zeros, which is the encoding of an unknown
# letter, and measures by how much the probability of the predicted language decreases.

network.fit(X, y)
encoder, rnn = network
unseen = ["thoughtful", "worthy", "schwierig", "bedeutung", "madrugada", "felicidad"]
encoded = encoder.transform([list(word) for word in unseen])
probabilities = rnn.predict_proba(encoded)
evidence = occlusion_importance(rnn, encoded, baseline=0)
for word, p in zip(unseen, probabilities, strict=True):
    print(f"{word:12} {rnn.classes_[p.argmax()]:8} {p.max():.2f}")

figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.4), layout="constrained")
shown = ConfusionMatrixDisplay.from_predictions(
    y, next(iter(predicted.values())), cmap="Blues", colorbar=False, ax=left
)
left.set(title="Recurrent network, cross-validation", xlabel="predicted", ylabel="true")

longest = max(map(len, unseen))
table = np.full((len(unseen), longest), np.nan)
for row, lost in zip(table, evidence, strict=True):
    row[: len(lost)] = lost
bound = np.nanmax(np.abs(table))
image = right.imshow(table, cmap="RdBu_r", vmin=-bound, vmax=bound, aspect="auto")
for i, word in enumerate(unseen):
    for j, letter in enumerate(word):
        dark = abs(table[i, j]) > 0.6 * bound
        right.text(j, i, letter, ha="center", va="center", fontsize=13,
                   color="white" if dark else "black")  # fmt: skip
right.set_yticks(
    range(len(unseen)),
    [f"{rnn.classes_[p.argmax()]}, {p.max():.2f}" for p in probabilities],
)
right.set(title="Importance of letters", xticks=[])
figure.colorbar(image, ax=right, label="decrease of probability")

# %%
# Predictions after each letter
# -----------------------------
# The plot shows the input, the hidden states, and the prediction if the word ended after each
# letter. The units in the lower half process the word from right to left.

display = HiddenStateDisplay.from_estimator(network, list("schwierig"))
display.axes_[0].set(title="schwierig", yticks=[])
display.axes_[-1].set_xticks(range(len("schwierig")), "schwierig")
display.axes_[-1].set_xlabel("letter")
plt.show()
