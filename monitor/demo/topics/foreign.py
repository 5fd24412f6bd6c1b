"""Customers who write German or Spanish; the assistant answers in their language."""

from monitor.demo.topics.topic import Intent, Topic, lines

GERMAN = Topic(
    "german",
    "Ihr Anliegen",
    weight=2.6,
    language="de",
    intents=(
        Intent(
            asks=lines("""
                [Wo ist|Wo bleibt] [meine Bestellung|mein Paket] {order}? [Laut App ist es unterwegs.|Es sollte \
                    schon vor {days} Tagen kommen.|]
                [Ich warte seit|Ich warte jetzt schon] {days} Tagen auf [mein Paket|meine Lieferung] {order}. \
                    [Können Sie bitte nachsehen?|Was ist da los?]
            """),
            query="Sendungsverfolgung {order}",
            fact="Bestellung {order} wurde an {carrier} übergeben; Lieferung in 3 bis 5 Werktagen.",
            answers=lines("""
                Ihre Bestellung {order} [wurde an {carrier} übergeben|ist mit {carrier} unterwegs] und kommt \
                    [innerhalb von|in] 3 bis 5 Werktagen an. Die Sendungsnummer lautet {tracking}.
            """),
            details=lines("""
                Sie können das Paket auf der Seite von {carrier} verfolgen.
            """),
            looks_up=True,
        ),
        Intent(
            asks=lines("""
                [Wie kann ich|Kann ich] {product_name} [zurückschicken|zurücksenden|umtauschen]? [Es passt leider \
                    nicht.|Die Farbe gefällt mir nicht.|Bestellt vor {days} Tagen.]
                [Ist die Rücksendung|Ist ein Umtausch] [kostenlos|auch im Laden möglich]? [Es geht um \
                    {product_name}.|Bestellnummer {order}.]
                [Wann bekomme ich mein Geld|Wann kommt die Erstattung|Wie lange dauert die Erstattung] für {order}? \
                    [Die Rücksendung ist seit {days} Tagen bei Ihnen.|]
            """),
            query="Rückgabe Erstattung",
            fact="Rückgabe kostenlos innerhalb von 30 Tagen über Meine Bestellungen; Erstattung in 5 Werktagen.",
            answers=lines("""
                Sie können innerhalb von 30 Tagen kostenlos zurücksenden: Unter "Meine Bestellungen" [erhalten Sie \
                    ein Etikett|bekommen Sie das Etikett oder einen QR-Code]. Die Erstattung erfolgt innerhalb von \
                    5 Werktagen nach Eingang.
            """),
            details=lines("""
                Bitte verwenden Sie möglichst den Originalkarton.
            """),
        ),
        Intent(
            asks=lines("""
                [Der Gutschein|Mein Gutscheincode] {voucher} [funktioniert nicht|wird nicht angenommen|ist \
                    angeblich ungültig]. [Woran liegt das?|Können Sie helfen?]
                [Kann ich|Darf man] {voucher} [mit einem anderen Gutschein|auch für reduzierte Ware] einlösen?
            """),
            query="Gutschein {voucher} einlösen",
            fact="Gutscheine gelten ab 40 Euro und nicht für reduzierte Ware; pro Bestellung gilt nur einer.",
            answers=lines("""
                Gutscheine gelten ab einem Bestellwert von 40 Euro und nicht für reduzierte Ware; [pro Bestellung \
                    kann nur einer eingelöst werden|man kann nur einen pro Bestellung verwenden].
            """),
            details=lines("""
                Bitte geben Sie {voucher} ohne Leerzeichen im Warenkorb ein.
            """),
        ),
        Intent(
            asks=lines("""
                [Welche Größe|Was für eine Größe] [empfehlen Sie|soll ich nehmen]: {garment_name}? Ich bin {height} \
                    cm groß und trage sonst {size}.
                [Fällt|Ist] {garment_name} [groß aus|klein aus|normal geschnitten]? [Sonst habe ich {size}.|]
            """),
            query="Größe {garment_name}",
            fact="Die Größen fallen normal aus; zwischen zwei Größen ist die größere besser.",
            answers=lines("""
                [Ich würde {size} nehmen|Meine Empfehlung ist {size}]: {garment_name} fällt normal aus. Zwischen \
                    zwei Größen ist die größere besser, wenn Sie etwas darunter tragen.
            """),
            details=lines("""
                Die Größentabelle finden Sie unter den Fotos.
            """),
        ),
        Intent(
            asks=lines("""
                [Wo finde ich|Können Sie mir bitte schicken:] die Rechnung [für {order}|mit ausgewiesener \
                    Mehrwertsteuer für {order}]?
                [Ich komme nicht in mein Konto|Mein Passwort geht nicht mehr|Ich habe mein Passwort vergessen], \
                    [was kann ich tun|bitte um Hilfe]. [Ich brauche die Rechnung für {order}.|]
            """),
            query="Konto Rechnung herunterladen",
            fact="Rechnungen liegen als PDF unter Meine Bestellungen; das Passwort ändert man über Passwort vergessen.",
            answers=lines("""
                [Gern|Natürlich]: Die Rechnung liegt als PDF unter "Meine Bestellungen" > Details. Wenn Sie nicht \
                    ins Konto kommen, setzen Sie über "Passwort vergessen" ein neues Passwort.
            """),
            details=lines("""
                Melden Sie sich gern, wenn noch etwas offen ist.
            """),
        ),
    ),
)

SPANISH = Topic(
    "spanish",
    "su consulta",
    weight=1.6,
    language="es",
    intents=(
        Intent(
            asks=lines("""
                [¿Dónde está|¿Cuándo llega] mi [pedido|paquete] {order}? [Lo compré hace {days} días.|Tenía que \
                    llegar hace {days} días.|]
                [Mi pedido {order} no ha llegado|Todavía no he recibido {product_name}], [¿qué puedo hacer?|¿me \
                    pueden ayudar?|¿está perdido?]
            """),
            query="seguimiento pedido {order}",
            fact="El pedido {order} salió con {carrier} y llega en 3 a 5 días laborables.",
            answers=lines("""
                Su pedido {order} [salió de nuestro almacén|está en camino] con {carrier} y llegará en 3 a 5 días \
                    laborables. El número de seguimiento es {tracking}.
            """),
            details=lines("""
                Puede seguirlo en la web de {carrier}.
            """),
            looks_up=True,
        ),
        Intent(
            asks=lines("""
                Quiero devolver {product_name}[, me queda pequeño|, no es el color que pedí|]. [¿Es gratis?|¿Cuánto \
                    cuesta?]
                [¿Cuándo me devuelven|¿Cuánto tarda] el [dinero|reembolso] de {order}?
                El código {voucher} [no funciona|no es válido|da error] [en la app|al pagar], ¿[por qué|qué hago]?
                ¿[Hacen envíos|Envían] a {city}? ¿[Cuánto cuesta|Cuánto tarda] el envío de {product_name}?
            """),
            query="devolución reembolso envío",
            fact="Las devoluciones son gratis durante 30 días y el reembolso llega en 5 días laborables.",
            answers=lines("""
                Las devoluciones son gratuitas durante 30 días: en "Mis pedidos" [encontrará la etiqueta|puede \
                    descargar la etiqueta]. El reembolso llega en 5 días laborables, y los códigos valen a partir \
                    de 40 euros.
            """),
            details=lines("""
                El envío estándar tarda de 3 a 5 días y es gratis desde 60 euros.
            """),
        ),
    ),
)

TOPICS = (GERMAN, SPANISH)
