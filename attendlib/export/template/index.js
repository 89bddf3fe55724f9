(function () {
  "use strict";
  var form = document.getElementById("find"), table = document.getElementById("reports");
  if (!form || !table) return;
  var body = table.tBodies[0], rows = Array.prototype.slice.call(body.rows), said = document.getElementById("found");
  function show() {
    var name = form.elements.name.value.trim().toLowerCase(), count = 0;
    rows.forEach(function (row) {
      var fits = (!name || row.dataset.name.indexOf(name) >= 0) &&
        ["phase", "status"].every(function (key) {
          return !form.elements[key] || !form.elements[key].value || row.dataset[key] === form.elements[key].value;
        });
      row.hidden = !fits;
      count += fits ? 1 : 0;
    });
    said.textContent = count + " of " + rows.length + " reports shown";
  }
  function sort() {
    var key = form.elements.sort.value;
    rows.map(function (row, place) { return [row.dataset[key], place, row]; }).sort(function (a, b) {
      return a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : a[1] - b[1];
    }).forEach(function (each) { body.appendChild(each[2]); });
  }
  form.addEventListener("input", function () { sort(); show(); });
  form.addEventListener("submit", function (event) { event.preventDefault(); });
  form.hidden = false;
  show();
})();
